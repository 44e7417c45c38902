// A click on a number shows how it came about, and marks the cells that it names.
(() => {
  const root = document.getElementById("TRACE");
  if (!root) return;
  const marked = () => root.querySelectorAll(".lit, .chosen");
  root.addEventListener("click", (event) => {
    const button = event.target.closest("td button");
    if (!button) return;
    const step = button.closest("section.step"), article = button.closest("article");
    const again = button.parentElement.classList.contains("chosen");
    marked().forEach((element) => element.classList.remove("lit", "chosen"));
    root.querySelectorAll(".answer").forEach((answer) => answer.replaceChildren());
    if (again) return;
    button.parentElement.classList.add("chosen");
    const line = [...article.querySelectorAll("details .arithmetic")].find((p) => p.dataset.of === button.dataset.c);
    if (!line) return;
    article.querySelector(".answer").innerHTML = line.innerHTML;
    const named = new Set([...line.querySelectorAll(".q[data-c]")].map((q) => q.dataset.c));
    named.delete(button.dataset.c);
    step.querySelectorAll("td [data-c]").forEach((other) => {
      if (named.has(other.dataset.c)) other.parentElement.classList.add("lit");
    });
  });
})();
