"""What to do about a page that could not be read, in a few words; docs/errors.md says more."""

from __future__ import annotations

from preprocessing.page import ProblemReason

MENDS = {
    ProblemReason.UNREADABLE_FILE: "Open it in a viewer; copy it again, or scan the page again.",
    ProblemReason.EMPTY_FILE: "Scan or copy it again.",
    ProblemReason.NO_PERMISSION: "Let the user who runs the command read it.",
    ProblemReason.VANISHED: "Leave scans in place until the run has ended; run it again.",
    ProblemReason.STILL_WRITTEN: "Run it again when the scanner or copy is done.",
    ProblemReason.ENCRYPTED: "Save a copy without a password.",
    ProblemReason.NO_PAGES: "Scan again: the file has no page.",
    ProblemReason.TOO_LARGE: "Scan at 300 dpi; split files of very many pages.",
    ProblemReason.LOW_RESOLUTION: "Scan with 200 to 300 dpi; fill a photograph with the form.",
    ProblemReason.BLANK_PAGE: "Nothing, if it is a back; or scan the other side.",
    ProblemReason.WRONG_FORM: "Add its form to --form, if it should be read.",
    ProblemReason.NOT_REGISTERED: "Scan the sheet flat; if many fail, compare the form file with the print.",
    ProblemReason.DUPLICATE: "Nothing, or remove one of the two.",
    ProblemReason.QUARANTINED: "Look at it with care; scan the page again, or save it anew.",
    ProblemReason.INTERNAL_ERROR: "Run it again; report it with the log if it stays.",
}
