// What makes pages better where scripts run: matches as one types, copying, keys, menus in place.
// Pages say everything without it. What a browser keeps (stars, visits) is in kept.js.

const PAUSE = 120; // milliseconds without a key before a preview is requested
const POLL_FIRST = 1000, POLL_SLOWER = 1.25, POLL_SLOWEST = 15000, POLL_END = 15 * 60 * 1000;

/** Show what the keyword being typed would find, below its box. Old requests are given up. */
function preview(form) {
  const box = form.querySelector("input[type=search]");
  const panel = form.querySelector(".preview");
  let timer, request;

  const close = () => { panel.hidden = true; request?.abort(); clearTimeout(timer); };

  async function show() {
    const text = box.value.trimStart(); // a blank at the end finishes the last word
    request?.abort();
    if (!text) return close();
    request = new AbortController();
    try {
      const query = new URLSearchParams({ q: text });
      const answer = await fetch(`${form.dataset.preview}?${query}`, { signal: request.signal });
      if (answer.status !== 200 && answer.status !== 400) return close();
      panel.innerHTML = await answer.text(); // our own markup, escaped by the server
      box.setAttribute("aria-invalid", String(answer.status === 400));
      panel.hidden = false;
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  }

  box.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(show, PAUSE); });
  form.addEventListener("submit", () => { clearTimeout(timer); request?.abort(); });
  form.addEventListener("keydown", (event) => { if (event.key === "Escape") { close(); box.focus(); } });
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget) && !panel.matches(":hover")) close();
  });
  document.addEventListener("pointerdown", (event) => { if (!form.contains(event.target)) close(); });
}

/** Copy the text of a field. Returns whether the clipboard has it. */
async function copied(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch { // where the page is not served over https, or the browser refuses
    field.select();
    try { return document.execCommand("copy"); } catch { return false; }
  }
}

/** Give a field its button that copies it. */
function copying(button) {
  const field = document.getElementById(button.dataset.copy), said = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.textContent = (await copied(field)) ? "Copied" : "Not copied";
    setTimeout(() => { button.textContent = said; }, 2000);
  });
}

/** Copy the address when a Subscribe menu opens, and change its choices in place. */
function subscribing(details) {
  const menu = details.querySelector(".menu");

  async function copyAddress() {
    const field = menu.querySelector(".address input"), said = menu.querySelector(".said");
    if (!(await copied(field))) return;
    said.classList.add("copied");
    const words = said.querySelector("[data-said]");
    words.textContent = words.dataset.said;
  }

  details.addEventListener("toggle", () => { if (details.open) copyAddress(); });
  menu.addEventListener("click", async (event) => {
    const link = event.target.closest(".choice a");
    if (event.target.closest(".close")) {
      event.preventDefault();
      details.open = false;
      details.querySelector("summary").focus();
    } else if (link && !event.metaKey && !event.ctrlKey) {
      event.preventDefault();
      const label = link.textContent;
      try {
        const page = new DOMParser().parseFromString(await (await fetch(link.href)).text(), "text/html");
        menu.innerHTML = page.getElementById(details.id).querySelector(".menu").innerHTML;
      } catch {
        location.href = link.href;
        return;
      }
      menu.querySelectorAll("[data-copy]").forEach(copying);
      [...menu.querySelectorAll(".choice a")].find((a) => a.textContent === label)?.focus();
      copyAddress();
    }
  });
}

/** Close a sheet in place. */
function closing(link) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    link.closest("details").open = false;
  });
}

/** Leave out of the address what a form does not ask. */
function sparing(form) {
  form.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) if (!value) formData.delete(name);
  });
}

/** Switch between the compact and the full list in place; the browser remembers which. */
function viewing(link) {
  const { setView } = link.dataset;
  const mark = () => {
    const isCurrent = (document.documentElement.dataset.view ?? "") === setView;
    link.toggleAttribute("aria-current", isCurrent);
    if (isCurrent) link.setAttribute("aria-current", "true");
  };
  mark();
  document.addEventListener("viewchange", mark);
  link.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    const root = document.documentElement, url = new URL(location.href);
    if (setView) root.dataset.view = setView; else delete root.dataset.view;
    if (setView) url.searchParams.set("view", setView); else url.searchParams.delete("view");
    try { localStorage.setItem("view", setView); } catch { /* storage is turned off */ }
    history.replaceState(history.state, "", url);
    document.dispatchEvent(new Event("viewchange"));
  });
}

/** Poll for what is under way until it is over, ever more slowly, and not for ever. */
function polling(waiting, pause = POLL_FIRST, until = Date.now() + POLL_END) {
  const panel = waiting.parentElement, isWhole = "whole" in waiting.dataset;
  setTimeout(async () => {
    try {
      const answer = await fetch(waiting.dataset.poll, { cache: "no-store" });
      if (answer.ok) panel.innerHTML = await answer.text(); // our own markup, as above
    } catch { /* the server is away for the moment: polled again */ }
    if (isWhole && panel.querySelector("[data-over]")) return location.reload();
    if (Date.now() > until) return;
    const slower = Math.min(pause * POLL_SLOWER, POLL_SLOWEST);
    panel.querySelectorAll("[data-poll]").forEach((next) => polling(next, isWhole ? slower : pause, until));
  }, isWhole ? pause : pause / 2);
}

/** Move the focus to the next paper, or the previous one. */
function move(step) {
  const papers = [...document.querySelectorAll("main article, main .headlines > li")];
  const at = papers.findIndex((paper) => paper.contains(document.activeElement));
  const next = papers[at < 0 ? (step > 0 ? 0 : papers.length - 1) : at + step];
  next?.querySelector("a")?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

/** Return what matches in the paper that has the focus. */
const focused = (selector) => document.activeElement?.closest("article")?.querySelector(selector);

const KEYS = {
  "/": () => { const box = document.getElementById("q"); box?.focus(); box?.select(); },
  j: () => move(1),
  k: () => move(-1),
  o: () => { const details = focused("details"); if (details) details.open = !details.open; },
  s: () => focused(".star")?.click(),
  f: () => document.querySelector(".subscribe > summary")?.click(),
  "?": () => document.getElementById("keys")?.showModal(),
};

/** Give the controls of a page, or of a part of it, what they do with a script. */
function enhance(part) {
  part.querySelectorAll("form[data-preview]").forEach(preview);
  part.querySelectorAll("[data-copy]").forEach(copying);
  part.querySelectorAll("[data-subscribe]").forEach(subscribing);
  part.querySelectorAll(".sheet .close").forEach(closing);
  part.querySelectorAll("[data-set-view]").forEach(viewing);
  part.querySelectorAll("[data-poll]").forEach((waiting) => polling(waiting));
  part.querySelectorAll("form.filters").forEach(sparing);
  part.querySelectorAll(".keys").forEach((line) => { line.hidden = false; });
}

enhance(document);
document.addEventListener("contentchange", ({ detail }) => enhance(detail));
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && document.querySelector("details[name=menu][open]");
  if (open) { open.open = false; open.querySelector("summary").focus(); return; }
  const typing = event.target.closest("input, select, textarea, dialog");
  const key = KEYS[event.key];
  if (!key || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  key();
});
