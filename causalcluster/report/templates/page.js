"use strict";
// Everything here is an addition: without it the page shows all that was computed.
(() => {
  const number = (value, digits) => {
    const size = Math.abs(value);
    const places = size === 0 ? 0 : Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
    return value.toFixed(Math.min(places, 12)).replace("-", "\u2212");
  };
  const quantile = (sorted, share) => {
    const at = (sorted.length - 1) * share, below = Math.floor(at), above = Math.ceil(at);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  };
  const decode = (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer), found = new Float64Array(bytes.length / 4);
    for (let i = 0; i < found.length; i += 1) found[i] = view.getFloat32(4 * i, true);
    return found;
  };
  const start = (panel) => {
    const draws = decode(panel.dataset.draws), count = Number(panel.dataset.count);
    const low = Number(panel.dataset.low), high = Number(panel.dataset.high);
    const clusters = [...panel.querySelectorAll("[data-cluster]")], parts = [...panel.querySelectorAll("[data-part]")];
    const slider = panel.querySelector("[data-move]"), out = panel.querySelector("output");
    const nClusters = Math.max(clusters.length, 1);
    const update = () => {
      const picked = clusters.length ? clusters.filter((box) => box.checked).map((box) => Number(box.dataset.cluster)) : [0];
      const kept = parts.filter((box) => box.checked).map((box) => Number(box.dataset.part));
      const factor = slider ? Number(slider.value) / 100 : 1;
      const to = panel.querySelector("[data-to]");
      if (to) to.textContent = number(low + factor * (high - low), 3);
      if (!picked.length) { out.textContent = "Pick at least one cluster."; return; }
      const total = new Float64Array(count);
      for (const part of kept) for (const cluster of picked) {
        const first = (part * nClusters + cluster) * count;
        for (let i = 0; i < count; i += 1) total[i] += draws[first + i];
      }
      let mean = 0;
      for (let i = 0; i < count; i += 1) { total[i] *= factor / picked.length; mean += total[i] / count; }
      total.sort();
      const ends = [quantile(total, 0.025), quantile(total, 0.975)];
      panel.dataset.mean = String(mean);
      panel.dataset.lower = String(ends[0]);
      panel.dataset.upper = String(ends[1]);
      out.textContent = `${number(mean, 3)} [${number(ends[0], 3)}, ${number(ends[1], 3)}]`;
    };
    for (const button of panel.querySelectorAll("[data-all]")) button.addEventListener("click", () => {
      for (const box of clusters) box.checked = button.dataset.all === "yes";
      update();
    });
    panel.addEventListener("input", update);
    panel.hidden = false;
    update();
  };
  const sortable = (table) => {
    const body = table.tBodies[0];
    if (!body || body.rows.length < 6) return;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = (row) => {
          const data = row.cells[column].querySelector("data");
          return data ? Number(data.value) : row.cells[column].textContent.trim();
        };
        const rows = [...body.rows].sort((one, other) => {
          const left = key(one), right = key(other);
          const numbers = typeof left === "number" && typeof right === "number";
          return numbers ? left - right : String(left).localeCompare(String(right));
        });
        body.append(...(down ? rows.reverse() : rows));
      });
    });
    if (body.rows.length < 13) return;
    const label = document.createElement("label"), field = document.createElement("input");
    label.className = "filter";
    label.textContent = "Show rows with ";
    field.type = "search";
    label.append(field);
    table.parentElement.before(label);
    field.addEventListener("input", () => {
      const wanted = field.value.trim().toLocaleLowerCase();
      for (const row of body.rows) row.hidden = !row.textContent.toLocaleLowerCase().includes(wanted);
    });
  };
  document.querySelectorAll("[data-draws]").forEach(start);
  document.querySelectorAll("main table").forEach(sortable);
})();
