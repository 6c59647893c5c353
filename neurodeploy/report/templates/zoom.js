for (const picture of document.querySelectorAll(".picture")) {
  const button = document.createElement("button");
  button.type = "button";
  const show = (zoomed) => {
    picture.classList.toggle("zoomed", zoomed);
    picture.tabIndex = zoomed ? 0 : -1;
    button.setAttribute("aria-pressed", String(zoomed));
    button.textContent = zoomed ? "Fit to page" : "Zoom";
  };
  button.addEventListener("click", () => show(!picture.classList.contains("zoomed")));
  show(false);
  picture.after(button);
}
