// Enlarges a picture; the arrow keys step through the views of an image, and from image to image.
(() => {
  const dialog = document.querySelector("dialog");
  if (!dialog || !dialog.showModal) return;
  const large = dialog.querySelector("img");
  const title = dialog.querySelector("p");
  const views = dialog.querySelector("footer");
  const rows = [...document.querySelectorAll(".views")].map((row) => [...row.querySelectorAll("button")]);
  let row = 0;
  let column = 0;

  function show(newRow, newColumn) {
    if (!rows[newRow]) return;
    row = newRow;
    column = Math.max(0, Math.min(newColumn, rows[row].length - 1));
    const button = rows[row][column];
    large.src = button.querySelector("img").src;
    large.alt = button.querySelector("img").alt;
    title.textContent = large.alt;
    views.replaceChildren(...rows[row].map((other, i) => {
      const choice = document.createElement("button");
      choice.textContent = other.parentElement.querySelector("figcaption").textContent;
      choice.setAttribute("aria-pressed", String(i === column));
      choice.addEventListener("click", () => { show(row, i); views.children[i].focus(); });
      return choice;
    }));
  }

  rows.forEach((buttons, i) => buttons.forEach((button, j) => button.addEventListener("click", () => {
    show(i, j);
    dialog.showModal();
    views.children[column].focus();
  })));
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  dialog.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    show(row + step[0], column + step[1]);
    views.children[column].focus();
  });
  large.addEventListener("click", () => dialog.close());
  dialog.querySelector("header button").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => rows[row][column].focus());
})();
