// Before the first paint: the view of lists that this browser remembers, unless the URL names one, and
// whether it keeps a token.
try {
  const root = document.documentElement;
  const view = new URLSearchParams(location.search).get("view") ?? localStorage.getItem("view");
  if (view === "full") root.dataset.view = view;
  if (localStorage.getItem(`token${root.dataset.root}`)) root.dataset.token = "";
  root.dataset.script = "";
} catch { /* storage is turned off: the compact view */ }
