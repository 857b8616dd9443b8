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
      const words = header.classList.contains("word");
      const rows = [...body.rows].map((row) => [row.cells[column].textContent, row]);
      rows.sort(([a], [b]) => (words ? byAlphabet(a, b) : size(a) - size(b)) * (rising ? 1 : -1));
      body.append(...rows.map(([, row]) => row));
    });
  });
}

function byAlphabet(a, b) {
  return a.localeCompare(b, undefined, { numeric: true });
}

// The number that a cell begins with, such as the mean of "−3.10 ± 0.80"; what is missing comes before all others.
function size(text) {
  const number = Number.parseFloat(text.replace("−", "-"));
  return Number.isNaN(number) ? -Number.MAX_VALUE : number;
}
