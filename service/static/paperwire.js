// What makes pages better where scripts run: matches as one types, copying, keys, filters at once.
// Pages say everything without it.

const PAUSE = 120; // milliseconds without a key before the keyword is asked for

/** Show what the keyword being typed would find, below its box. Old requests are given up. */
function preview(form) {
  const box = form.querySelector("input[type=search]");
  const panel = form.querySelector(".preview");
  let timer, asked;

  const close = () => { panel.hidden = true; asked?.abort(); clearTimeout(timer); };

  async function ask() {
    const text = box.value.trimStart(); // a blank at the end finishes the last word
    asked?.abort();
    if (!text) return close();
    asked = new AbortController();
    try {
      const query = new URLSearchParams({ q: text });
      const answer = await fetch(`${form.dataset.preview}?${query}`, { signal: asked.signal });
      if (answer.status !== 200 && answer.status !== 400) return close();
      panel.innerHTML = await answer.text(); // our own markup, escaped by the server
      box.setAttribute("aria-invalid", String(answer.status === 400));
      panel.hidden = false;
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  }

  box.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, PAUSE); });
  form.addEventListener("submit", () => { clearTimeout(timer); asked?.abort(); });
  form.addEventListener("keydown", (event) => { if (event.key === "Escape") { close(); box.focus(); } });
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget) && !panel.matches(":hover")) close();
  });
  document.addEventListener("pointerdown", (event) => { if (!form.contains(event.target)) close(); });
}

/** Give every address its button that copies it. */
function copying(button) {
  const field = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy"); // where the page is not served over https
    }
    const said = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = said; }, 2000);
  });
}

/** Have a choice change the page at once; the button stays for days, which are typed. */
function choosing(form) {
  form.addEventListener("change", (event) => { if (event.target.matches("select")) form.requestSubmit(); });
}

/** Leave out of the address what a form does not ask. */
function sparing(form) {
  form.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) if (!value) formData.delete(name);
  });
}

/** Ask for what is under way until it is over. */
function awaiting(waiting) {
  const panel = waiting.parentElement;
  setTimeout(async () => {
    try {
      const answer = await fetch(waiting.dataset.poll);
      if (answer.ok) panel.innerHTML = await answer.text(); // our own markup, as above
    } catch { /* the server is away for the moment: asked again */ }
    panel.querySelectorAll("[data-poll]").forEach(awaiting);
  }, 500);
}

/** Move the focus to the next paper, or the one before. */
function move(step) {
  const papers = [...document.querySelectorAll("main article, main .headlines > li")];
  const at = papers.findIndex((paper) => paper.contains(document.activeElement));
  const next = papers[at < 0 ? (step > 0 ? 0 : papers.length - 1) : at + step];
  next?.querySelector("a")?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

const KEYS = {
  "/": () => { const box = document.getElementById("q"); box?.focus(); box?.select(); },
  j: () => move(1),
  k: () => move(-1),
  o: () => {
    const details = document.activeElement?.closest("article")?.querySelector("details");
    if (details) details.open = !details.open;
  },
  s: () => document.querySelector(".subscribe a")?.focus(),
  "?": () => document.getElementById("keys")?.showModal(),
};

document.querySelectorAll("form[data-preview]").forEach(preview);
document.querySelectorAll("[data-copy]").forEach(copying);
document.querySelectorAll("[data-poll]").forEach(awaiting);
document.querySelectorAll("form.filters").forEach((form) => { choosing(form); sparing(form); });
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, dialog");
  const key = KEYS[event.key];
  if (!key || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  key();
});
