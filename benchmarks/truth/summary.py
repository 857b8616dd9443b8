"""Tables of the truth set, in Markdown."""

from statistics import mean, median

HEADS = {
    "cases": (
        "case", "λ", "λ at finite n", "estimates", "verdicts", "hold λ", "hold λ at finite n", "γ", "gradients", "s",
    ),
    "families": (
        "family", "estimates", "reliable", "of these hold λ", "hold λ at finite n", "reliable where n suffices",
        "median bar/value", "mean relative error",
    ),
}  # fmt: skip
# What the tables say of a verdict.
SHORT = {"reliable": "r", "doubtful": "d", "not to be used": "n"}


def case_table(rows: list[dict]) -> str:
    """A line for each case, its seeds side by side."""
    lines, family = [], None
    for group in _grouped(rows, "family", "case"):
        first = group[0]
        if first["family"] != family:
            family = first["family"]
            lines.append([f"**{family}**", *[""] * (len(HEADS["cases"]) - 1)])
        finite = "–" if first["finite"] is None else f"{first['finite']:.4g}"
        lines.append(
            [
                first["case"],
                f"{first['exact']:.4g}",
                finite,
                ", ".join(f"{row['value']:.3g} ± {row['std_error']:.1g}" for row in group),
                "".join(SHORT[row["verdict"]] for row in group),
                f"{sum(row['covers_exact'] for row in group)}/{len(group)}",
                _share([row["covers_finite"] for row in group]),
                f"{first['localization']:.3g}",
                f"{mean(row['evaluations'] for row in group):,.0f}",
                f"{median(row['seconds'] for row in group):.0f}",
            ]
        )
    return _markdown(HEADS["cases"], lines)


def family_table(rows: list[dict]) -> str:
    """A line for each family, and one for all."""
    lines = [_family_line(group[0]["family"], group) for group in _grouped(rows, "family")]
    return _markdown(HEADS["families"], [*lines, _family_line("**all**", rows)])


def _family_line(name: str, rows: list[dict]) -> list[str]:
    reliable = [row for row in rows if row["verdict"] == "reliable"]
    suffices = [row for row in rows if row["suffices"]]
    bars = [row["std_error"] / abs(row["value"]) for row in reliable if row["value"]]
    errors = [abs(row["value"] / row["exact"] - 1) for row in rows]
    return [
        name,
        str(len(rows)),
        str(len(reliable)),
        _share([row["covers_exact"] for row in reliable]),
        _share([row["covers_finite"] for row in reliable]),
        _share([row["verdict"] == "reliable" for row in suffices]),
        f"{median(bars):.1%}" if bars else "–",
        f"{mean(errors):.1%}",
    ]


def _share(held: list[bool | None]) -> str:
    known = [value for value in held if value is not None]
    return f"{sum(known)}/{len(known)}" if known else "–"


def _grouped(rows: list[dict], *keys: str) -> list[list[dict]]:
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return list(groups.values())


def _markdown(head: tuple[str, ...], lines: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *lines])
