for (const table of document.querySelectorAll("table")) {
  const rows = [...table.tBodies[0].rows];
  const number = (row, i) => parseFloat(row.cells[i].textContent.replace(/,/g, "").replace("−", "-"));
  [...table.tHead.rows[0].cells].forEach((head, i) => {
    const text = (row) => row.cells[i].textContent;
    const words = rows.some((row) => / [a-z]{4}/i.test(text(row))) || (rows.every((row) => isNaN(number(row, i))) && rows.some((row) => text(row) !== "–"));
    if (words) for (const row of [table.tHead.rows[0], ...rows]) row.cells[i].classList.add("words");
    if (!table.classList.contains("sortable")) return;
    const sort = () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const compare = (a, b) => {
        const [x, y] = [number(a, i), number(b, i)];
        if (isNaN(x) && isNaN(y)) return a.cells[i].textContent.localeCompare(b.cells[i].textContent);
        return isNaN(x) ? Infinity : isNaN(y) ? -Infinity : x - y;
      };
      table.tBodies[0].append(...rows.sort((a, b) => (down ? compare(b, a) : compare(a, b))));
    };
    head.tabIndex = 0;
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      sort();
    });
  });
}
