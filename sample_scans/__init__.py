"""Sample scans: five forms as people fill them, and the generator that makes them. A tool, no part of the read path."""
