// What this browser alone keeps: starred papers, and the newest paper seen on each page.
// Nothing of it is sent anywhere.

const STARS = "stars", VISITS = "visits", MAX_VISITS = 200;
const VISIT = 30 * 60 * 1000; // milliseconds in which looking again is the same visit
const BATCH = 50; // papers of a request for references

/** Return a kept value; `otherwise` without one, or where storage is turned off. */
function kept(name, otherwise) {
  try { return JSON.parse(localStorage.getItem(name)) ?? otherwise; } catch { return otherwise; }
}

function keep(name, value) {
  try { localStorage.setItem(name, JSON.stringify(value)); return true; } catch { return false; }
}

/** Order ids by month and number: those of a month have the same form. */
const isNewer = (id, other) => id.localeCompare(other, "en", { numeric: true }) > 0;

/** Let a paper be starred. */
function starring(button) {
  const paper = button.closest("[data-paper]"), id = paper.dataset.paper;
  const show = () => button.setAttribute("aria-pressed", String(id in kept(STARS, {})));
  button.hidden = false;
  show();
  window.addEventListener("storage", show);
  button.addEventListener("click", () => {
    const stars = kept(STARS, {});
    if (id in stars) delete stars[id];
    else stars[id] = paper.querySelector("h1, h2, h3").textContent.trim();
    keep(STARS, stars);
    show();
  });
}

/** Mark the papers that are new since the last visit of this page. */
function visiting(page) {
  const visits = kept(VISITS, {}), path = page.dataset.visits, last = visits[path], now = Date.now();
  const since = last && (now - last.at < VISIT ? last.since : last.newest);
  const papers = [...page.querySelectorAll("[data-paper]")];
  const fresh = since ? papers.filter((paper) => isNewer(paper.dataset.paper, since)) : [];
  for (const paper of fresh) {
    paper.classList.add("is-new");
    const words = document.createElement("span");
    words.className = "unseen";
    words.textContent = " (new since your last visit)";
    paper.querySelector("h2, h3")?.append(words);
  }
  const note = page.querySelector("[data-new]");
  if (note && fresh.length) note.textContent = `${fresh.length} new since your last visit`;
  const newest = papers.map((paper) => paper.dataset.paper)
    .reduce((a, b) => (isNewer(b, a) ? b : a), last?.newest ?? "");
  if (!newest) return;
  delete visits[path]; // the page is now the one visited last
  visits[path] = { newest, since: since ?? newest, at: now };
  keep(VISITS, Object.fromEntries(Object.entries(visits).slice(-MAX_VISITS)));
}

/** List the starred papers, newest first, with what can be done with them. */
function listing(section) {
  const { papers, references } = section.dataset, list = section.querySelector("ol");
  const stars = kept(STARS, {}), ids = Object.keys(stars).sort((a, b) => (isNewer(a, b) ? -1 : 1));
  section.querySelector("[data-none]").hidden = ids.length > 0;
  section.querySelector("[data-some]").hidden = ids.length === 0;
  for (const id of ids) {
    const row = document.createElement("li"), link = document.createElement("a");
    const note = document.createElement("p"), remove = document.createElement("button");
    link.className = "title";
    link.href = papers.replace("ID", id);
    link.textContent = stars[id];
    note.className = "by";
    note.textContent = `arXiv:${id} `;
    remove.className = "plain-button";
    remove.textContent = "Remove";
    remove.setAttribute("aria-label", `Remove the star of ${stars[id]}`);
    remove.addEventListener("click", () => {
      const now = kept(STARS, {});
      delete now[id];
      keep(STARS, now);
      row.remove();
    });
    note.append(remove);
    row.append(link, note);
    list.append(row);
  }
  section.querySelector("[data-ids]").addEventListener("click", () =>
    save("starred-papers.txt", "text/plain", Object.keys(kept(STARS, {})).join("\n") + "\n"));
  section.querySelector("[data-bibtex]").addEventListener("click", async (event) => {
    const said = section.querySelector("[role=status]"), all = Object.keys(kept(STARS, {}));
    const entries = [], missing = [];
    event.target.disabled = true;
    for (let at = 0; at < all.length; at += BATCH) {
      await fetchReferences(references, all.slice(at, at + BATCH), entries, missing);
    }
    event.target.disabled = false;
    said.textContent = missing.length ? `Not in the file, as they could not be read: ${missing.join(", ")}` : "";
    if (entries.length) save("starred-papers.bib", "application/x-bibtex", entries.join("\n"));
  });
}

/** Fetch the references of papers; those of unknown ones are found by halves. */
async function fetchReferences(url, ids, entries, missing) {
  const answer = await fetch(`${url}?id=${ids.join(",")}`).catch(() => null);
  if (answer?.ok) entries.push(await answer.text());
  else if (answer?.status === 404 && ids.length > 1) {
    const half = ids.length >> 1;
    await fetchReferences(url, ids.slice(0, half), entries, missing);
    await fetchReferences(url, ids.slice(half), entries, missing);
  } else missing.push(...ids);
}

/** Hand a text to the reader as a file. */
function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

document.querySelectorAll(".star").forEach(starring);
document.querySelectorAll("[data-visits]").forEach(visiting);
document.querySelectorAll("[data-stars]").forEach(listing);
