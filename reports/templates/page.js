"use strict";
// Adds to a page that is complete without it: filter, copy, links into closed details. Builds no markup from text.
(() => {
  const form = document.getElementById("filter");
  const status = document.getElementById("shown");
  const findings = [...document.querySelectorAll("#findings .f")];
  const checks = [...document.querySelectorAll("#findings .check")];
  const causes = [...document.querySelectorAll("#findings .cause")];
  const folds = [...document.querySelectorAll("#findings .fold")];
  const texts = new Map();

  const text = (node) => {
    if (!texts.has(node)) {
      const check = node.closest(".check");
      const cause = node.closest(".cause");
      const head = check.querySelector("h3").textContent + " " + (cause ? cause.firstElementChild.textContent : "");
      texts.set(node, (head + " " + node.textContent).toLowerCase());
    }
    return texts.get(node);
  };

  const read = () => ({
    s: [...form.elements.s].filter((box) => box.checked).map((box) => box.value),
    t: form.elements.t.value,
    n: form.elements.n.value,
    x: form.elements.x.value,
    c: form.elements.c.value,
    q: form.elements.q.value.trim().toLowerCase(),
  });

  const matches = (node, wanted) =>
    wanted.s.includes(node.dataset.s) &&
    (!wanted.n || node.dataset.n === wanted.n) &&
    (!wanted.x || (node.dataset.x || "none") === wanted.x) &&
    (!wanted.t || node.closest(".check").dataset.t === wanted.t) &&
    (!wanted.c || node.closest(".list").dataset.c === wanted.c) &&
    (!wanted.q || text(node).includes(wanted.q));

  const active = (wanted) => wanted.s.length < form.elements.s.length || [wanted.t, wanted.n, wanted.x, wanted.c, wanted.q].some(Boolean);

  const apply = () => {
    const wanted = read();
    let shown = 0;
    for (const node of findings) {
      node.hidden = !matches(node, wanted);
      shown += !node.hidden;
    }
    for (const box of [...causes, ...checks, ...folds]) {
      box.hidden = !box.querySelector(".f:not([hidden])");
    }
    const count = (number) => number.toLocaleString("en");
    status.textContent = active(wanted)
      ? `${count(shown)} of ${count(findings.length)} findings shown`
      : `${count(findings.length)} findings, those about system objects included`;
  };

  const remember = () => {
    const wanted = read();
    const state = new URLSearchParams();
    if (wanted.s.length < form.elements.s.length) state.set("s", wanted.s.join(","));
    for (const key of ["t", "n", "x", "c", "q"]) if (wanted[key]) state.set(key, wanted[key]);
    history.replaceState(null, "", "#" + (state.size ? state : "findings"));
  };

  const recall = (hash) => {
    const state = new URLSearchParams(hash);
    const severities = state.has("s") ? state.get("s").split(",") : null;
    for (const box of form.elements.s) box.checked = !severities || severities.includes(box.value);
    for (const key of ["t", "n", "x", "c", "q"]) form.elements[key].value = state.get(key) || "";
    apply();
  };

  // An address may name a finding inside closed details, or the state of the filter.
  const follow = () => {
    const hash = location.hash.slice(1);
    if (hash.includes("=")) {
      recall(hash);
      document.getElementById("findings").scrollIntoView();
      return;
    }
    const target = hash && document.getElementById(hash);
    if (!target) return;
    if (target.hidden) recall("");
    for (let box = target; box; box = box.parentElement) if (box.tagName === "DETAILS") box.open = true;
    target.scrollIntoView();
  };

  const legacyCopy = (value) => {
    const area = document.createElement("textarea");
    area.value = value;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };

  const copy = async (button, value) => {
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(value);
    } catch {
      legacyCopy(value);
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  };

  const button = (label, value) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.addEventListener("click", () => copy(made, value()));
    return made;
  };

  const addTools = (node) => {
    if (node.querySelector(":scope > .tools")) return;
    const tools = document.createElement("p");
    tools.className = "tools";
    const address = () => location.href.split("#")[0] + "#" + node.id;
    const words = () => {
      tools.hidden = true;
      const value = node.innerText.trim();
      tools.hidden = false;
      return value;
    };
    tools.append(button("Copy as text", words), button("Copy link", address));
    node.append(tools);
  };

  document.addEventListener("toggle", (event) => {
    if (event.target.open && event.target.matches(".copied")) addTools(event.target);
  }, true);
  for (const node of document.querySelectorAll("article.copied, details.copied[open]")) addTools(node);

  let waiting = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { apply(); remember(); }, 120);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { apply(); remember(); }));
  document.getElementById("open-all").addEventListener("click", () => {
    for (const box of document.querySelectorAll("#findings details")) if (!box.closest("[hidden]") && !box.matches(".fold, .long")) box.open = true;
  });

  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const box of closed) box.open = true;
  });
  window.addEventListener("afterprint", () => { for (const box of closed) box.open = false; });

  window.addEventListener("hashchange", follow);
  form.hidden = !findings.length;
  apply();
  follow();
})();
