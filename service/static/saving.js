// Saving: this browser keeps the token of an address that ends in #key=…, or one that was entered,
// and sends it as a header with each form that saves. It is never part of an address that is requested.

const root = document.documentElement, prefix = root.dataset.root, PLACE = `token${prefix}`;
const PROGRESS = 400; // milliseconds between two looks at a page that grows while it arrives

function token() {
  try { return localStorage.getItem(PLACE) ?? ""; } catch { return ""; }
}

/** Keep a token, or forget it; returns whether this browser keeps anything. */
function keep(value) {
  try {
    if (value) localStorage.setItem(PLACE, value); else localStorage.removeItem(PLACE);
  } catch { return false; }
  show();
  return true;
}

/** Let what needs the token be on only while there is one. */
function show() {
  const isKept = token() !== "";
  root.toggleAttribute("data-token", isKept);
  document.querySelectorAll("[data-saves]").forEach((button) => { button.disabled = !isKept && "script" in root.dataset; });
}

const toast = document.createElement("p");
toast.className = "toast";
toast.setAttribute("role", "status");
document.body.append(toast);
let fading;

/** Say something for some seconds, without moving the page. */
function say(text) {
  toast.textContent = text;
  clearTimeout(fading);
  fading = setTimeout(() => { toast.textContent = ""; }, 8000);
}

const bearer = (value) => ({ Authorization: `Bearer ${value}` });

/** Return why the server refuses a token; "" if it does not. */
async function refusal(value) {
  if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value)) return "That is no token: it has signs that a token cannot have.";
  const answer = await fetch(`${prefix}/manage/token`, { method: "POST", headers: bearer(value) }).catch(() => null);
  if (answer?.ok) return "";
  if (answer?.status === 401) return "That token is not valid here.";
  if (answer?.status === 429) return "Too many wrong tokens came from here: wait a minute.";
  return "The server could not check the token: try again.";
}

/** Take the key of the address, which leaves the address bar at once. One that is refused replaces none. */
async function takeKey() {
  const [, key] = /^#key=(.+)$/.exec(location.hash) ?? [];
  if (!key) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  let value = key;
  try { value = decodeURIComponent(key); } catch { /* as it is */ }
  if (value === token()) return;
  const reason = await refusal(value);
  if (reason) say(reason);
  else say(keep(value) ? "This browser can save here now." : "This browser keeps nothing: allow it to store data for this address.");
}

/** Show a page that came as the response to a form, in place of this one. */
function showPage(text) {
  const page = new DOMParser().parseFromString(text, "text/html"), main = page.querySelector("main"); // our own markup
  if (!main) return null;
  document.querySelector("main").replaceWith(main);
  document.title = page.title;
  show();
  document.dispatchEvent(new CustomEvent("contentchange", { detail: main }));
  return main;
}

/** Return the text of a response; a long one is shown as it grows. */
async function readGrowing(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "", shown = performance.now();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += value;
    if (performance.now() - shown > PROGRESS) { showPage(text); shown = performance.now(); }
  }
}

/** Send what saves, with the token. A redirect leads to the page that shows it, which is fetched afresh; else the response is shown. */
async function send(address, data) {
  const hasFile = [...data.values()].some((value) => typeof value !== "string");
  const body = hasFile ? data : new URLSearchParams(data);
  const answer = await fetch(address, { method: "POST", headers: bearer(token()), body, cache: "reload" }).catch(() => null);
  if (!answer) return say("The server did not answer: try again.");
  if (answer.redirected) return location.assign(answer.url);
  const main = showPage(await readGrowing(answer));
  const notice = main?.querySelector(".notice") ?? main?.querySelector("h1");
  if (answer.status === 401) say("The token that this browser keeps is not valid here: forget it, and open the address with the new one.");
  if (!notice) return;
  notice.tabIndex = -1;
  notice.focus();
  notice.scrollIntoView({ block: "nearest" });
}

document.addEventListener("submit", async (event) => {
  const form = event.target, sender = event.submitter;
  if (form.matches(".keep-token")) {
    event.preventDefault();
    const field = form.querySelector("input[type=password]"), value = field.value.trim(), said = form.querySelector(".fault");
    said.textContent = await refusal(value);
    if (said.textContent) return field.focus();
    field.value = "";
    say(keep(value) ? "This browser can save here now." : "This browser keeps nothing: allow it to store data for this address.");
  } else if (form.getAttribute("method") === "post" && token()) {
    event.preventDefault();
    const data = new FormData(form);
    data.delete("token");
    if (sender?.name) data.append(sender.name, sender.value);
    if (sender) sender.disabled = true;
    await send(form.getAttribute("action"), data);
    if (sender) sender.disabled = false;
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-forget]")) {
    keep("");
    say("This browser has forgotten the token.");
    return;
  }
  const link = event.target.closest("a[data-save]"); // without a token it leads to the form
  if (!link || !token() || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.ariaDisabled === "true") return; // a double click
  link.ariaDisabled = "true";
  send(link.pathname, new URLSearchParams({ action: "save", query: link.dataset.save, then: "show" }))
    .finally(() => { link.ariaDisabled = null; });
});

window.addEventListener("hashchange", takeKey);
window.addEventListener("storage", show);
show();
takeKey();
