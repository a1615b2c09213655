"""The image without an engine: ``python -m bench.image``, as root on Linux.

Carries out the Dockerfile's own ENV, COPY and RUN in an overlay of this machine's root file system that is gone
afterwards; the checkout is hidden in it, and only what .dockerignore lets through is copied. Then the root becomes
read-only, and as the image's user sample scans are read into the one folder that may be written, and the review page is
asked for from there. What an engine would add is not tried: the base image, and compose.yaml's other services.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCKERFILE = ROOT / "docker" / "Dockerfile"
HIDDEN = ("/tmp", "/home", "/root", str(ROOT))  # of this machine: nothing of them may help
SAMPLES = ROOT / "sample_scans" / "stock"
SIZE = "12g"  # of the memory that the layers may take
PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # as in the base image

SET_UP = """
set -eu
layers=$1 context=$2 samples=$3
mount -t tmpfs -o size={size} layers "$layers"
mkdir "$layers/upper" "$layers/work" "$layers/root"
mount -t overlay overlay -o lowerdir=/,upperdir="$layers/upper",workdir="$layers/work" "$layers/root"
cd "$layers/root"
for hidden in {hidden}; do mkdir -p "./$hidden"; mount -t tmpfs -o mode=1777 hidden "./$hidden"; done
mount --bind /proc ./proc && mount --rbind /dev ./dev
mkdir -p ./build-context ./sample && cp -r "$context/." ./build-context && cp -r "$samples/." ./sample
[ -e ./usr/bin/python ] || ln -s python3 ./usr/bin/python
chroot . /usr/bin/env -i PATH={paths} HOME=/root PIP_NO_CACHE_DIR=1 PIP_QUIET=1 {passed} bash -eu -c {steps}
mkdir -p ./data && chown {user} ./data
mount -o remount,ro "$layers/root"
mount -t tmpfs -o mode=1777 hidden ./tmp
mount -t tmpfs -o uid={user} data ./data
chroot . setpriv --reuid {user} --regid {user} --clear-groups --no-new-privs --bounding-set=-all \\
    /usr/bin/env -i PATH={paths} HOME=/home/formdigits bash -u -c {use}
"""

USE = """
touch /app/written 2>/dev/null && { echo "the image can be written"; exit 1; }
formdigits digitize /sample/scans --form /sample --out /data/out --no-flow
[ $? -eq 3 ] || { echo "digitize did not end with pages to look at"; exit 1; }  # one sample shows no form
echo "correct horse battery" | formdigits users add admin --role admin --out /data/out
formdigits review --out /data/out --form /sample --host 0.0.0.0 --port 8765 &
for _ in $(seq 60); do
    sleep 1
    python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8765/sign-in', timeout=5)" 2>/dev/null && {
        echo "the review page answers"; kill %1; exit 0; }
done
echo "the review page does not answer"; exit 1
"""


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Each instruction of a Dockerfile and what it is given, on one line."""
    lines = (line for line in dockerfile.splitlines() if not line.lstrip().startswith("#"))
    for logical in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        if logical.strip():
            name, _, given = logical.strip().partition(" ")
            yield name, given


def shell_of(instruction: str, given: str) -> str | None:
    """The same as a line of a shell; None for what an engine alone can do."""
    match instruction:
        case "RUN":
            return f"( {re.sub(r'^(--[^ ]+ +)+', '', given)} ) || exit 1"
        case "ENV":
            return f"export {given}"
        case "WORKDIR":
            return f"mkdir -p {given} && cd {given}"
        case "COPY":
            *sources, target = given.split()
            return f"mkdir -p {target} && (cd /build-context && cp -r {' '.join(sources)} {target})"
    return None


def environment(dockerfile: str) -> str:
    """Its ENV as lines of a shell."""
    return "\n".join(f"export {given}" for name, given in instructions(dockerfile) if name == "ENV")


def copy_context(to: Path) -> None:
    """What an engine would be given: of the files that are under version control those that .dockerignore keeps."""
    ignored = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().splitlines()
    kept = [line[1:] for line in ignored if line.startswith("!")]
    archive = subprocess.run(["git", "archive", "HEAD", *kept], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "--extract", "--directory", to], input=archive, check=True)


def main() -> int:
    """Build and use it; the exit code tells whether all of it worked."""
    dockerfile = DOCKERFILE.read_text()
    steps = [line for name, given in instructions(dockerfile) if (line := shell_of(name, given))]
    (user,) = [given for name, given in instructions(dockerfile) if name == "USER"]
    script = SET_UP.format(
        size=SIZE,
        paths=PATHS,
        hidden=" ".join(HIDDEN),
        passed=" ".join(shlex.quote(f"{name}={value}") for name, value in os.environ.items() if "PIP_" in name),
        steps=shlex.quote("\n".join(steps)),
        user=user,
        use=shlex.quote(environment(dockerfile) + USE),
    )
    with tempfile.TemporaryDirectory() as folder:
        layers, context = Path(folder, "layers"), Path(folder, "context")
        layers.mkdir()
        context.mkdir()
        copy_context(context)
        command = ["unshare", "--mount", "bash", "-c", script, "image", str(layers), str(context), str(SAMPLES)]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
