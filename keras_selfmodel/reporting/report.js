// The runs after the first are kept as data, and become rows a piece at a time: thousands at once would hold up a browser.
const PIECE = 250;
const further = document.getElementById("further-runs");
const waiting = further ? JSON.parse(further.textContent) : [];
const more = document.getElementById("more-runs");

function addRuns(number) {
  const table = document.querySelector("#runs table");
  const words = [...table.tHead.rows[0].cells].map((header) => header.classList.contains("word"));
  for (const texts of waiting.splice(0, number)) {
    const row = table.tBodies[0].insertRow();
    texts.forEach((text, column) => {
      const cell = row.insertCell();
      cell.textContent = text;
      if (words[column]) cell.className = "word";
    });
  }
  document.getElementById("shown-runs").textContent = table.tBodies[0].rows.length;
  more.hidden = waiting.length === 0;
}

if (more) {
  more.hidden = false;
  more.addEventListener("click", () => addRuns(PIECE));
}

// Headers of sortable tables become buttons; without JavaScript they stay headers.
for (const table of document.querySelectorAll("table.sortable")) {
  const headers = [...table.querySelectorAll("thead th")];
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      if (waiting.length) addRuns(waiting.length);
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
