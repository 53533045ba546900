(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");

  // One panel of an engine at a time; without this script all of them are on the page.
  const show = (key, move) => {
    const panel = key && document.getElementById(key);
    const engine = panel && panel.closest(".of-engine");
    if (!engine) return false;
    for (const other of engine.querySelectorAll(".panel")) other.classList.toggle("shown", other === panel);
    for (const link of engine.querySelectorAll("[data-panel]")) {
      if (link.dataset.panel === key && !link.closest(".culprit")) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    engine.querySelector(".panels").scrollTop = 0;
    if (move) {
      panel.focus({ preventScroll: true });
      const box = panel.getBoundingClientRect();
      if (box.top < 0 || box.top > innerHeight - 80) panel.scrollIntoView({ block: "start" });
    }
    return true;
  };
  for (const engine of document.querySelectorAll(".of-engine")) show(engine.dataset.shown, false);
  show(location.hash.slice(1), true);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-panel]");
    if (link && show(link.dataset.panel, event.detail > 0)) {
      event.preventDefault();
      history.replaceState(null, "", "#" + link.dataset.panel);
    }
  });
  addEventListener("hashchange", () => show(location.hash.slice(1), true));

  // Arrow keys go to the nearest layer in that direction; Enter opens it, as it does any link.
  const ahead = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
  document.addEventListener("keydown", (event) => {
    const node = document.activeElement && document.activeElement.closest("a.node");
    const way = ahead[event.key];
    if (!node || !way || event.altKey || event.ctrlKey || event.metaKey) return;
    const centre = (other) => {
      const box = other.getBoundingClientRect();
      return [box.x + box.width / 2, box.y + box.height / 2];
    };
    const [x, y] = centre(node);
    let best = null, least = Infinity;
    for (const other of node.closest("svg").querySelectorAll("a.node")) {
      const [dx, dy] = [centre(other)[0] - x, centre(other)[1] - y];
      const along = dx * way[0] + dy * way[1];
      const across = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
      if (other !== node && along > 10 && along + 2 * across < least) [best, least] = [other, along + 2 * across];
    }
    if (!best) return;
    event.preventDefault();
    best.focus();
    show(best.dataset.panel, false);
  });

  const button = document.getElementById("theme");
  const themes = ["auto", "light", "dark"];
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(root.dataset.theme || "auto") + 1) % 3];
    if (next === "auto") delete root.dataset.theme;
    else root.dataset.theme = next;
    button.textContent = "Theme: " + next;
  });
})();
