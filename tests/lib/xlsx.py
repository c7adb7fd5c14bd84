"""Reads a workbook as little as the tests need: the sheets by name, their cells as text, number or date serial."""
import re
import xml.etree.ElementTree as ElementTree
import zipfile

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
TYPED = re.compile(r"([A-Z]+)(\d+)")


def column(ref):
    """0 for A1, 27 for AB7."""
    n = 0
    for c in TYPED.fullmatch(ref).group(1):
        n = n * 26 + ord(c) - 64
    return n - 1


def value(cell):
    kind = cell.get("t")
    if kind == "inlineStr":
        return "".join(t.text or "" for t in cell.iter(MAIN + "t"))
    v = cell.find(MAIN + "v")
    if kind is None and v is not None:
        number = float(v.text)
        return int(number) if number == int(number) else number
    return None if v is None and kind is None else f"<{kind}>"


def read(path):
    """{name of a sheet: [[cell, ...], ...]}; raises when anything in it is a formula or the container is broken."""
    sheets = {}
    with zipfile.ZipFile(path) as z:
        bad = z.testzip()
        if bad:
            raise ValueError(f"{bad} is damaged")
        links = {r.get("Id"): r.get("Target") for r in ElementTree.fromstring(z.read("xl/_rels/workbook.xml.rels"))}
        for sheet in ElementTree.fromstring(z.read("xl/workbook.xml")).iter(MAIN + "sheet"):
            rows = []
            for row in ElementTree.fromstring(z.read("xl/" + links[sheet.get(LINK)])).iter(MAIN + "row"):
                cells = []
                for cell in row.iter(MAIN + "c"):
                    if cell.find(MAIN + "f") is not None:
                        raise ValueError(f"{cell.get('r')} is a formula")
                    cells += [None] * (column(cell.get("r")) - len(cells)) + [value(cell)]
                rows.append(cells)
            sheets[sheet.get("name")] = rows
    return sheets
