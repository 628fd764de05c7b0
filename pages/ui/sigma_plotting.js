// Drawing without state: SVG elements, ticks, kernel smoothing, and a copy of a drawing that stands alone.
const NS = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, text = null) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== null) node.textContent = text;
  return node;
}

const short = (value, digits = 3) => String(Number(value.toPrecision(digits)));

function ticks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw * 0.999);
  const values = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) values.push(i * step);
  const text = (value) => (value && step < 1e-3 ? Number(value.toPrecision(10)).toExponential() : short(value, 10));
  return values.map((value) => ({ value, text: text(value) }));
}

function decades(low, high, count) {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  const step = Math.max(1, Math.ceil((last - first) / count)), values = [];
  for (let power = last; power >= first; power -= step) values.push({ value: 10 ** power, text: `1e${power}` });
  return values;
}

// p(x) = sum_i w_i k_sigma(x - theta_i); nodes ascending. Points are dense enough for the narrowest bump in view.
function smooth(nodes, weights, sigma, kernel, low, high) {
  const points = Math.round(Math.min(2400, Math.max(300, (4 * (high - low)) / sigma)));
  const x = new Float64Array(points + 1), y = new Float64Array(points + 1);
  const reach = kernel === "gaussian" ? 6 * sigma : Infinity;
  let first = 0;
  for (let i = 0; i <= points; i++) {
    x[i] = low + ((high - low) * i) / points;
    while (first < nodes.length && nodes[first] < x[i] - reach) first++;
    let sum = 0;
    for (let j = first; j < nodes.length && nodes[j] <= x[i] + reach; j++) {
      const z = (x[i] - nodes[j]) / sigma;
      sum += kernel === "gaussian" ? weights[j] * Math.exp(-0.5 * z * z) : weights[j] / (1 + z * z);
    }
    y[i] = sum / (sigma * (kernel === "gaussian" ? Math.sqrt(2 * Math.PI) : Math.PI));
  }
  return { x, y };
}

function line(d, style, name) {
  return element("path", {
    d, class: name, stroke: style.colour, "stroke-width": style.width, "stroke-dasharray": style.dash, fill: "none",
  });
}

function marker(key, x, y, style) {
  if (key === "atoms") {
    return element("path", { d: `M${x},${y - 6}l6,6l-6,6l-6,-6z`, fill: style.colour });
  }
  return element("circle", { cx: x, cy: y, r: 2.5, fill: "none", stroke: style.colour, "stroke-width": 1.5 });
}

function swatch(key, style) {
  const line = { x1: 0, x2: 30, y1: 6, y2: 6, stroke: style.colour, "stroke-width": style.width };
  if (key === "histogram") {
    return [element("rect", { x: 4, y: 1, width: 22, height: 10, fill: style.colour, "fill-opacity": 0.4 })];
  }
  if (key === "atoms") return [marker(key, 15, 6, style)];
  if (key === "stems") {
    return [element("path", { d: "M15,12V6", stroke: style.colour, "stroke-width": 2 }), marker(key, 15, 4, style)];
  }
  return [element("line", { ...line, "stroke-dasharray": style.dash })];
}

// A copy that stands alone: styles written into it, a background, and the legend drawn above.
function standalone(view) {
  const { width, height } = view.size, entries = view.entries().filter(([key]) => view.shown(key));
  const rows = Math.ceil(entries.length / (width < 600 ? 1 : 2)), head = 22 * rows + 10;
  const copy = view.svg.cloneNode(true);
  const originals = [...view.svg.querySelectorAll("*")], clones = [...copy.querySelectorAll("*")];
  const kept = ["fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray", "font-size"];
  originals.forEach((node, i) => {
    const style = getComputedStyle(node);
    for (const name of kept) clones[i].setAttribute(name, style.getPropertyValue(name));
    clones[i].removeAttribute("class");
  });
  const theme = getComputedStyle(view.find(".view")), colour = theme.color;
  const background = theme.getPropertyValue("--st-background-color").trim() || "#ffffff";
  const legend = element("g", { "font-size": "14px" });
  entries.forEach(([key, name, style], i) => {
    const [column, row] = width < 600 ? [0, i] : [i % 2, i >> 1];
    const item = element("g", { transform: `translate(${12 + (column * width) / 2},${8 + 22 * row})` });
    item.append(...swatch(key, style), element("text", { x: 38, y: 11, fill: colour }, name));
    legend.append(item);
  });
  const drawing = element("g", { transform: `translate(0,${head})` });
  drawing.append(...copy.childNodes);
  const size = { width, height: height + head, viewBox: `0 0 ${width} ${height + head}` };
  const svg = element("svg", { ...size, "font-family": "sans-serif" });
  svg.append(element("title", {}, view.svg.getAttribute("aria-label")));
  svg.append(element("rect", { width: "100%", height: "100%", fill: background }), legend, drawing);
  return svg;
}

async function raster(file, svg, scale = 2) {
  const image = new Image(), url = URL.createObjectURL(file);
  image.src = url;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = scale * Number(svg.getAttribute("width"));
  canvas.height = scale * Number(svg.getAttribute("height"));
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(url);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}
