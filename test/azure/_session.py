"""Runs commands of az one after the other in one process: a list of words as JSON per line in, one answer per line out."""
import contextlib
import io
import json
import logging
import sys

from azure.cli.core import get_default_cli

answers = sys.stdout
for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    # az sets up logging once for a process; each command here is to write to its own.
    for name in (None, 'cli'):
        logging.getLogger(name).handlers.clear()
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(out):
        try:
            code = get_default_cli().invoke(json.loads(line), out_file=out)
        except SystemExit as end:
            code = end.code
    json.dump({'code': code or 0, 'stdout': out.getvalue(), 'stderr': err.getvalue()}, answers)
    answers.write('\n')
    answers.flush()
