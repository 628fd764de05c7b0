// A spectrum drawn as SVG, smoothed anew in the browser while the sigma slider moves.
// Data are numbers and names from Python; names enter the page as text nodes, never as HTML.
const instances = new WeakMap(); // one drawing for each place on the page, kept over reruns

class SigmaView {
  constructor(root) {
    this.root = root;
    this.find = (selector) => root.querySelector(selector);
    [this.svg, this.slider, this.output] = [this.find("svg.plot"), this.find("input"), this.find("output")];
    [this.legend, this.readout] = [this.find(".legend"), this.find(".readout")];
    this.hidden = new Set();
    this.zoom = null; // [low, high], or null for all
    this.frame = this.timer = this.given = this.awaited = null;
    this.dragging = false;
    this.connect();
  }

  connect() {
    const { slider, svg } = this;
    slider.addEventListener("pointerdown", () => (this.dragging = true));
    for (const end of ["pointerup", "pointercancel", "blur"]) {
      slider.addEventListener(end, () => (this.dragging = false));
    }
    slider.addEventListener("input", () => { this.readSlider(); this.schedule(); });
    slider.addEventListener("change", () => {
      this.dragging = false;
      this.awaited = this.sigma;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => { this.timer = null; this.setState("sigma", this.sigma); }, 200);
    });
    this.find(".whole").addEventListener("click", () => this.setZoom(null));
    this.find(".near").addEventListener("click", () => {
      const [low, high] = this.zoom?.[0] === this.data.interval[0] ? this.zoom : this.data.interval;
      this.setZoom([this.data.interval[0], this.data.interval[0] + (high - low) / 4]);
    });
    this.find(".png").addEventListener("click", () => this.download("png"));
    this.find(".svg").addEventListener("click", () => this.download("svg"));
    svg.addEventListener("dblclick", () => this.setZoom(null));
    svg.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      this.brush = [this.xAt(event), this.xAt(event)];
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointermove", (event) => {
      this.cursor = this.xAt(event);
      if (this.brush) this.brush[1] = this.cursor;
      this.schedule();
    });
    svg.addEventListener("pointerup", () => {
      const brush = this.brush;
      this.brush = null;
      if (brush && Math.abs(this.px(brush[1]) - this.px(brush[0])) > 8) this.setZoom(brush.sort((a, b) => a - b));
      else this.schedule();
    });
    svg.addEventListener("pointerleave", () => { this.cursor = null; this.schedule(); });
    svg.addEventListener("keydown", (event) => this.key(event));
    this.observer = new ResizeObserver(() => this.schedule());
    this.observer.observe(this.find(".view"));
  }

  update(data, setState) {
    this.data = data;
    this.setState = setState;
    if (data.sigma === this.awaited) this.awaited = null;
    const range = String(data.sigma_range); // another range puts the same sigma elsewhere on the track
    if (data.sigma !== this.given || range !== this.givenRange) {
      this.given = data.sigma;
      this.givenRange = range;
      if (!this.dragging && this.timer === null && this.awaited === null) this.setSigma(data.sigma);
    }
    this.find(".slider").hidden = data.nodes.length === 0 && data.ladders.length === 0;
    this.find(".slider").classList.toggle("big", data.big);
    this.drawLegend();
    this.draw();
  }

  // The slider is logarithmic; sigma is rounded to three digits so that links and captions stay short, within its range.
  readSlider() {
    const [low, high] = this.data.sigma_range;
    const rounded = Number((low * (high / low) ** (this.slider.value / this.slider.max)).toPrecision(3));
    this.sigma = Math.max(low, Math.min(high, rounded));
    this.showSigma();
  }

  setSigma(sigma) {
    const [low, high] = this.data.sigma_range;
    this.sigma = sigma;
    this.slider.value = (this.slider.max * Math.log(sigma / low)) / Math.log(high / low);
    this.showSigma();
  }

  showSigma() {
    this.output.textContent = short(this.sigma);
    this.slider.setAttribute("aria-valuetext", `sigma = ${short(this.sigma)}`);
  }

  setZoom(zoom) {
    const [low, high] = this.data.interval;
    if (zoom) {
      zoom = [Math.max(zoom[0], low), Math.min(zoom[1], high)];
      if (zoom[1] - zoom[0] < 1e-4 * (high - low)) return;
      if (zoom[1] - zoom[0] > 0.999 * (high - low)) zoom = null;
    }
    this.zoom = zoom;
    this.schedule();
  }

  key(event) {
    const [low, high] = this.range(), middle = (low + high) / 2, half = (high - low) / 2;
    const [start, end] = this.data.interval;
    const pan = (by) => {
      const shift = Math.max(start - low, Math.min(end - high, by));
      return [low + shift, high + shift];
    };
    const moves = {
      "+": () => [middle - half / 2, middle + half / 2],
      "=": () => [middle - half / 2, middle + half / 2],
      "-": () => [middle - 2 * half, middle + 2 * half],
      "0": () => null,
      Escape: () => null,
      ArrowLeft: () => pan(-half / 2),
      ArrowRight: () => pan(half / 2),
    };
    if (!(event.key in moves) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.setZoom(moves[event.key]());
  }

  schedule() {
    if (this.frame === null) this.frame = requestAnimationFrame(() => { this.frame = null; this.draw(); });
  }

  range() {
    const [low, high] = this.data.interval, margin = 0.015 * (high - low);
    return this.zoom ?? [low - margin, high + margin];
  }

  // What the legend lists: [key, name, style]; keys are positions, so that a renamed curve keeps its switch.
  entries() {
    const { data } = this, styles = data.styles, list = [];
    const kernel = data.kernel === "gaussian" ? "Gaussian" : "Cauchy";
    if (data.histogram) list.push(["histogram", "exact histogram", styles.exact]);
    data.curves.forEach((curve, i) => list.push([`curve-${i}`, curve.name, styles[curve.role]]));
    this.rungs().forEach(({ name, note, role }, i) => list.push([`ladder-${i}`, name + note, styles[role]]));
    const nodes = data.truth ? ["exact", styles.exact] : ["smoothed", styles.smoothed];
    if (data.nodes.length) list.push(["smoothed", `${nodes[0]}, ${kernel} σ = ${short(this.sigma)}`, nodes[1]]);
    if (data.stems.x.length) list.push(["stems", "Lanczos stems", styles.stems]);
    if (data.atoms.length) list.push(["atoms", "known atoms", styles.atom]);
    return list;
  }

  shown(key) { return !this.hidden.has(key); }

  // What each ladder shows at this sigma: the curve from Python where it is that of this sigma, else one between two of
  // its sigmas, linear in log sigma; without `y` where there is none.
  rungs() {
    const { sigma, data } = this;
    if (this.climbed?.sigma === sigma && this.climbed.data === data) return this.climbed.rungs;
    const rungs = data.ladders.map(({ name, role, x, sigmas, y, exact }) => {
      const rung = { name, role, x, note: "", y: null, se: null };
      if (exact && Math.abs(exact.sigma / sigma - 1) < 1e-5) return { ...rung, x: exact.x, y: exact.y, se: exact.se };
      const last = sigmas.length - 1;
      if (last < 0) return { ...rung, note: " (not there yet)" };
      if (sigma < sigmas[0] * (1 - 1e-5) || sigma > sigmas[last] * (1 + 1e-5)) return { ...rung, note: " (not resolved)" };
      const above = Math.max(1, sigmas.findIndex((one) => one >= sigma)), upper = last ? above : 0;
      const [a, b] = [y[Math.max(0, upper - 1)], y[upper]];
      const share = last ? Math.log(sigma / sigmas[upper - 1]) / Math.log(sigmas[upper] / sigmas[upper - 1]) : 0;
      const t = Math.max(0, Math.min(1, share));
      return { ...rung, note: " (interpolated)", y: a.map((value, i) => value + t * (b[i] - value)) };
    });
    this.climbed = { sigma, data, rungs };
    return rungs;
  }

  // Curves and rungs that are drawn, each with its key.
  drawn() {
    const list = [...this.data.curves.map((curve, i) => [`curve-${i}`, curve])];
    this.rungs().forEach((rung, i) => rung.y && list.push([`ladder-${i}`, rung]));
    return list.filter(([key]) => this.shown(key));
  }

  drawLegend() {
    const keys = this.entries().map(([key, name]) => key + name.replace(/σ.*/, "")).join("|");
    if (keys === this.legendKeys) return;
    this.legendKeys = keys;
    this.legend.replaceChildren(...this.entries().map(([key, name, style]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.key = key;
      button.setAttribute("aria-pressed", String(this.shown(key)));
      const icon = element("svg", { viewBox: "0 0 30 12", "aria-hidden": "true" });
      icon.append(...swatch(key, style));
      button.append(icon, name.replace(/ σ.*/, ""));
      button.addEventListener("click", () => {
        if (!this.hidden.delete(key)) this.hidden.add(key);
        button.setAttribute("aria-pressed", String(this.shown(key)));
        this.schedule();
      });
      return button;
    }));
  }

  draw() {
    const { data } = this, width = Math.round(this.find(".view").clientWidth);
    if (!width || !data) return;
    if (data.ladders.length) this.drawLegend(); // what is interpolated changes with sigma
    const narrow = width < 600, height = narrow ? Math.round(0.8 * data.height) : data.height;
    const masses = [...data.stems.y, ...data.atoms.map((atom) => atom[1])];
    const right = width - (masses.length ? (narrow ? 60 : 76) : 12);
    const box = { left: narrow ? 60 : 76, right, top: 14, bottom: height - 48 };
    const [low, high] = this.range();
    this.px = (x) => box.left + ((x - low) / (high - low)) * (box.right - box.left);
    this.xAt = (event) => {
      const at = (event.clientX - this.svg.getBoundingClientRect().left - box.left) / (box.right - box.left);
      return low + Math.max(0, Math.min(1, at)) * (high - low);
    };
    const smoothed = smooth(data.nodes, data.weights, this.sigma, data.kernel, low, high);
    const top = this.top(smoothed, low, high);
    const inView = this.massesInView(low, high);
    const heaviest = (data.log ? 3 : 1.6) * Math.max(...inView, 1e-12); // stems stay below the curves' tops
    // On logarithmic axes both have the same decades: from a third of the lightest stem in view, or of the threshold.
    const least = data.log ? Math.min(heaviest / 10, ...inView.filter((w) => w > 1e-12), data.threshold?.weight ?? 1) / 3 : 0;
    const rise = (share) => (data.log ? Math.max(0, 1 - Math.log(Math.max(share, 1e-300)) / Math.log(least / heaviest)) : share);
    const py = (y) => box.bottom - rise(Math.min(y, 4 * top) / top) * (box.bottom - box.top);
    const my = (w) => box.bottom - rise(w / heaviest) * (box.bottom - box.top);
    const clip = element("clipPath", { id: "inside" });
    const inside = { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top };
    clip.append(element("rect", inside));
    const marks = element("g", { "clip-path": "url(#inside)" });
    const point = (x, y) => `${this.px(x).toFixed(1)},${py(y).toFixed(1)}`;
    const path = (x, y) => `M${Array.from(x, (value, i) => point(value, y[i])).join("L")}`;
    this.drawHistogram(marks, py);
    if (this.shown("stems")) this.drawLollipops(marks, "stems", data.stems.x, data.stems.y, my, low, high);
    const outline = data.nodes.length && this.shown("smoothed") ? path(smoothed.x, smoothed.y) : null;
    if (outline && data.truth) this.drawTruth(marks, outline, smoothed.x, point);
    for (const [, curve] of this.drawn()) this.drawCurve(marks, curve, path);
    if (outline && !data.truth) marks.append(line(outline, data.styles.smoothed, "curve smoothed"));
    const atoms = element("g");
    if (this.shown("atoms")) {
      this.drawLollipops(atoms, "atoms", data.atoms.map((a) => a[0]), data.atoms.map((a) => a[1]), my, low, high);
    }
    const scale = { top, heaviest, least: least / heaviest, masses: masses.length > 0, py, my };
    const axes = this.drawAxes(box, width, height, scale, narrow);
    const overlay = this.drawOverlay(box);
    this.svg.classList.toggle("narrow", narrow);
    this.svg.setAttribute("height", height);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.setAttribute("aria-label", this.summary(low, high));
    this.svg.replaceChildren(clip, axes, marks, atoms, overlay);
    this.size = { width, height };
    this.tell(smoothed, low, high);
  }

  // The left axis follows the smoothed curve to twice the height of all else in view, and to a quarter of the height of
  // the whole picture in any case, so that mass where there is none is not out of sight. Beyond that it is cut.
  top(smoothed, low, high) {
    const fixed = this.highest(low, high), whole = this.highest(-Infinity, Infinity);
    const bells = this.shown("smoothed") ? smoothed.y.reduce((a, b) => Math.max(a, b), 0) : 0;
    const most = this.data.truth && bells ? 2 * bells : Infinity; // one wild estimate does not flatten the rest
    const moving = Math.max(bells, Math.min(this.highestRung(low, high), most));
    if (this.data.log) return 2 * Math.max(whole, moving) || 1;
    return 1.06 * (whole > 0 ? Math.max(fixed, Math.min(moving, Math.max(2 * fixed, whole / 4))) : moving || 1) || 1;
  }

  // Of the curves with their bands (up to 1.3 times the curve) and the histogram between low and high.
  highest(low, high) {
    const { curves, histogram } = this.data;
    let all = 0;
    curves.forEach(({ x, y, se }, i) => {
      if (!this.shown(`curve-${i}`)) return;
      let curve = 0, band = 0;
      for (let j = 0; j < x.length; j++) {
        if (x[j] < low || x[j] > high) continue;
        curve = Math.max(curve, y[j]);
        if (se) band = Math.max(band, y[j] + 2 * se[j]);
      }
      all = Math.max(all, curve, Math.min(band, 1.3 * curve));
    });
    if (histogram && this.shown("histogram")) {
      const { edges, density } = histogram;
      density.forEach((y, i) => { if (edges[i + 1] > low && edges[i] < high) all = Math.max(all, y); });
    }
    return all;
  }

  highestRung(low, high) {
    let most = 0;
    this.rungs().forEach(({ x, y }, i) => {
      if (y && this.shown(`ladder-${i}`)) y.forEach((v, j) => { if (x[j] >= low && x[j] <= high && v > most) most = v; });
    });
    return most;
  }

  massesInView(low, high) {
    const { data } = this, inside = (x) => x >= low && x <= high;
    return [
      ...(this.shown("stems") ? data.stems.y.filter((_, i) => inside(data.stems.x[i])) : []),
      ...(this.shown("atoms") ? data.atoms.filter((atom) => inside(atom[0])).map((atom) => atom[1]) : []),
    ];
  }

  drawHistogram(parent, py) {
    const { histogram, styles } = this.data;
    if (!histogram || !this.shown("histogram")) return;
    const [px, { edges, density }] = [this.px, histogram];
    const bar = (y, a, b) => `M${px(a).toFixed(1)},${py(0)}V${py(y).toFixed(1)}H${px(b).toFixed(1)}V${py(0)}`;
    const d = density.map((y, i) => (y > 0 ? bar(y, edges[i], edges[i + 1]) : "")).join("");
    const { colour } = styles.exact;
    const paint = { fill: colour, "fill-opacity": 0.35, stroke: colour, "stroke-opacity": 0.6 };
    parent.append(element("path", { d, class: "histogram", ...paint }));
  }

  drawCurve(parent, curve, path) {
    const style = this.data.styles[curve.role];
    if (curve.se) {
      const upper = path(curve.x, curve.y.map((y, i) => y + 2 * curve.se[i]));
      const x = [...curve.x].reverse(), lower = curve.y.map((y, i) => Math.max(0, y - 2 * curve.se[i])).reverse();
      const d = `${upper}${path(x, lower).replace("M", "L")}Z`;
      parent.append(element("path", { d, class: "band", fill: style.colour, "fill-opacity": 0.25 }));
    }
    parent.append(line(path(curve.x, curve.y), style, "curve"));
  }

  // The smoothed spectrum itself, under everything else.
  drawTruth(parent, outline, x, point) {
    const { colour } = this.data.styles.exact;
    const closed = `${outline}L${point(x[x.length - 1], 0)}L${point(x[0], 0)}Z`;
    parent.append(element("path", { d: closed, fill: colour, "fill-opacity": 0.25 }));
    parent.append(line(outline, { colour, width: 1.5, dash: "none" }, "curve smoothed"));
  }

  drawLollipops(parent, key, x, y, my, low, high) {
    const style = this.data.styles[key === "atoms" ? "atom" : "stems"], base = my(0);
    let d = "";
    const heads = [];
    x.forEach((value, i) => {
      if (value < low || value > high) return;
      const [px, top] = [this.px(value), my(y[i])];
      d += `M${px.toFixed(1)},${base}V${top.toFixed(1)}`;
      if (key === "atoms" || top < base - 6) heads.push(marker(key, px, top, style));
      if (key === "atoms" && !this.data.log) heads.push(element("text", { x: px + 9, y: top + 5, class: "mass" }, short(y[i])));
    });
    parent.append(line(d, style, key), ...heads);
  }

  drawAxes(box, width, height, { top, heaviest, least, masses, py, my }, narrow) {
    const group = element("g"), [low, high] = this.range(), middle = (box.top + box.bottom) / 2;
    const text = (x, y, content, extra) => group.append(element("text", { x, y, ...extra }, content));
    for (const { value, text: label } of ticks(low, high, narrow ? 4 : 8)) {
      const x = this.px(value).toFixed(1);
      group.append(element("line", { x1: x, x2: x, y1: box.top, y2: box.bottom, class: "gridline" }));
      text(x, box.bottom + 18, label, { "text-anchor": "middle" });
    }
    const steps = (most) => (this.data.log ? decades(least * most, most, narrow ? 5 : 8) : ticks(0, most, 5));
    for (const { value, text: label } of steps(top)) {
      const y = py(value).toFixed(1);
      group.append(element("line", { x1: box.left, x2: box.right, y1: y, y2: y, class: "gridline" }));
      text(box.left - 6, Number(y) + 5, label, { "text-anchor": "end" });
    }
    if (masses) for (const { value, text: label } of steps(heaviest)) text(box.right + 6, my(value) + 5, label);
    const { threshold } = this.data;
    if (threshold && masses && threshold.weight < heaviest) {
      const y = my(threshold.weight);
      group.append(element("line", { x1: box.left, x2: box.right, y1: y, y2: y, class: "threshold" }));
      text(box.right - 6, y - 6, threshold.text, { "text-anchor": "end", class: "mass" });
    }
    const frame = `M${box.left},${box.top}V${box.bottom}H${box.right}${masses ? `V${box.top}` : ""}`;
    group.append(element("path", { d: frame, class: "frame" }));
    const turned = (x) => ({ "text-anchor": "middle", transform: `rotate(-90 ${x} ${middle})`, class: "title" });
    text((box.left + box.right) / 2, height - 8, this.data.x_label, { "text-anchor": "middle", class: "title" });
    text(16, middle, narrow ? "density (share per unit λ)" : "density (share of eigenvalues per unit λ)", turned(16));
    if (masses) {
      const title = narrow ? "weight (share of all)" : "weight (share of all eigenvalues)";
      text(width - 6, middle, title, turned(width - 6));
    }
    return group;
  }

  drawOverlay(box) {
    const group = element("g");
    if (this.brush) {
      const [a, b] = this.brush.map(this.px).sort((p, q) => p - q);
      group.append(element("rect", { x: a, y: box.top, width: b - a, height: box.bottom - box.top, class: "brush" }));
    } else if (typeof this.cursor === "number") {
      const x = this.px(this.cursor);
      group.append(element("line", { x1: x, x2: x, y1: box.top, y2: box.bottom, class: "cursor" }));
    }
    return group;
  }

  summary(low, high) {
    const names = this.entries().filter(([key]) => this.shown(key)).map((entry) => entry[1]);
    const atoms = this.data.atoms.slice(0, 5).map(([x, mass]) => `${short(x)} with mass ${short(mass)}`);
    return `Spectrum from ${short(low)} to ${short(high)}: ${names.join(", ")}.` +
      (atoms.length ? ` Atoms at ${atoms.join(", ")}.` : "") + " Keys: plus and minus zoom, arrows move, 0 shows all.";
  }

  // The numbers under the cursor, or what can be done.
  tell(smoothed, low, high) {
    const at = this.cursor;
    if (typeof at !== "number") {
      this.readout.textContent = this.zoom
        ? `Zoomed to ${short(low)} – ${short(high)}. Double-click or press 0 for the whole spectrum.`
        : "Point at the picture to read values; drag across it to zoom in.";
      return;
    }
    const value = (x, y) => {
      let i = 0, j = x.length - 1;
      if (at < x[i] || at > x[j]) return null;
      while (j - i > 1) { const m = (i + j) >> 1; if (x[m] <= at) i = m; else j = m; }
      return y[i] + ((y[j] - y[i]) * (at - x[i])) / (x[j] - x[i] || 1);
    };
    const parts = [`λ = ${short(at)}`];
    this.drawn().forEach(([, curve]) => {
      const y = value(curve.x, curve.y);
      const error = curve.se ? ` ± ${short(2 * value(curve.x, curve.se), 2)}` : "";
      if (y !== null) parts.push(`${curve.name}${curve.note ?? ""}: ${short(y)}${error}`);
    });
    if (this.data.nodes.length && this.shown("smoothed")) {
      parts.push(`${this.data.truth ? "exact" : "smoothed"}: ${short(value(smoothed.x, smoothed.y) ?? 0)}`);
    }
    const bars = this.data.histogram;
    if (bars && this.shown("histogram")) {
      const bin = bars.edges.findIndex((edge, i) => edge <= at && at < bars.edges[i + 1]);
      if (bin >= 0 && bin < bars.density.length) parts.push(`exact: ${short(bars.density[bin])}`);
    }
    this.readout.textContent = parts.join(" · ");
  }

  async download(kind) {
    this.cursor = null;
    this.draw();
    const svg = standalone(this), text = new XMLSerializer().serializeToString(svg);
    const file = new Blob([text], { type: "image/svg+xml" });
    this.save(kind === "svg" ? file : await raster(file, svg), kind);
  }

  save(file, kind) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = `spectrum-sigma-${short(this.sigma)}.${kind}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  close() {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
  }
}

export default function ({ data, parentElement, setStateValue }) {
  let view = instances.get(parentElement);
  if (!view) instances.set(parentElement, (view = new SigmaView(parentElement)));
  view.update(data, setStateValue);
  return () => {
    view.close();
    instances.delete(parentElement);
  };
}
