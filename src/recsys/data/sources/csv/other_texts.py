"""Texts that are no table of ratings, by their first lines: what they are, and what to do."""

from __future__ import annotations

import re
from pathlib import Path

from recsys.core.errors import DataError

N_SIGNS = 2000  # that are looked at
SQL = r"(INSERT\s+INTO|CREATE\s+TABLE|COPY\s+\S+\s*\(.*\)\s+FROM)\b"
PYTHON = "import ast, json, sys; [print(json.dumps(ast.literal_eval(line))) for line in sys.stdin]"
OTHERS = (
    (
        r"\s*<(!doctype\s+html|html|head|body)",
        "this is a web page",
        "download the file again: the link gave a page in its place",
    ),
    (
        r"\s*<table\b",
        "this is a table in HTML",
        "pandas.read_html(FILE)[0].to_csv(NEW, index=False)",
    ),
    (r"\s*<(\?xml|\w+[ >])", "this is XML", "pandas.read_xml(FILE).to_csv(NEW, index=False)"),
    (
        r"\d+:\s*\n\s*\d+,",
        "lines such as 1: name the item of the rows below, as in the Netflix prize",
        'awk -F, \'/:/{sub(":.*","");i=$0;next}{print $1","i","$2","$3}\' FILE > ratings.csv',
    ),
    (
        r"\d+:\s*\n\s*\d+\s*\n",
        "lines such as 1: name the item of the users below, who have no ratings here",
        'awk \'/:/{sub(":.*","");i=$0;next}{print $1","i}\' FILE > clicks.csv',
    ),
    (
        r"\d+\|\d+\s*\n\d+\t",
        "lines such as 1|20 name the user of the rows below, as in the KDD cup of 2011",
        'awk -F\'\\t\' \'/\\|/{split($0,a,"|");u=a[1];next}{print u","$1","$2}\' FILE > ratings.csv',
    ),
    (
        r"[-+]?[\d.]+( +\d+:[-+\d.e]+){2,}\s*\n",
        "this is in the format of libFM and LIBSVM",
        "write a row user,item,rating for each line; where the first number is the user's column and the second the"
        ' item\'s: awk \'{split($2,u,":");split($3,i,":");print u[1]","i[1]","$1}\' FILE > ratings.csv',
    ),
    (
        rf"(?s:.*?)^\s*{SQL}",
        "this is a dump of SQL",
        "export the table as CSV, in psql by \\copy, in sqlite3 by .mode csv",
    ),
    (r"\s*@relation\b", "this is an ARFF file", "take the lines below @data out as CSV"),
    (r"%%MatrixMarket matrix array", "this is a dense matrix of Matrix Market", "save it with coordinates, or as CSV"),
    (r"\s*\{u?'", "each line is a Python dict, which is no JSON", f"python -c '{PYTHON}' < FILE > ratings.jsonl"),
    (r"- \w+:.*\n +\w+:", "this is YAML", "write a row user,item,rating for each entry"),
    (
        r"[A-Za-z][\w/ ]*: .*\n[A-Za-z][\w/ ]*: ",
        "each rating takes several lines, a field a line",
        "write a row user,item,rating for each; as JSON, one object a line is read too",
    ),
    (r"\{\\rtf", "this is an RTF document", "save it as plain text"),
)
"""What the text starts with, what that is, and a hint."""


def refuse_other_text(path: Path, text: str) -> None:
    """Raises DataError where the start of a file is known to be of another kind."""
    for pattern, what, hint in OTHERS:
        if re.match(pattern, text[:N_SIGNS], re.IGNORECASE | re.MULTILINE):
            raise DataError(what, where=str(path), expected="a table with a row for each rating", hint=hint)
