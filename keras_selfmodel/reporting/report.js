// Headers of sortable tables become buttons; without JavaScript they stay headers.
for (const table of document.querySelectorAll("table.sortable")) {
  const headers = [...table.querySelectorAll("thead th")];
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const rising = header.getAttribute("aria-sort") !== "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const body = table.tBodies[0];
      const rows = [...body.rows].map((row) => [row.cells[column].dataset.value, row]);
      rows.sort(([a], [b]) => compare(a, b) * (rising ? 1 : -1));
      body.append(...rows.map(([, row]) => row));
    });
  });
}

// Numbers by size, words by alphabet, what is missing before both.
function compare(a, b) {
  if (a === "" || b === "") return (a !== "") - (b !== "");
  const difference = Number(a) - Number(b);
  return Number.isNaN(difference) ? a.localeCompare(b, undefined, { numeric: true }) : difference;
}
