// Scenes of one plotly figure that turn together: whoever is turned hands its camera to those in layout.meta.linked.
// Streamlit keeps plotly to itself, so the scenes are reached through the drawn figure.
const linked = new WeakSet();

function scenesOf(figure) {
  const layout = figure._fullLayout;
  return (layout?.meta?.linked ?? []).map((name) => [name, layout[name]?._scene]).filter(([, scene]) => scene?.glplot);
}

function follow(figure, event, keep) {
  for (const [name] of scenesOf(figure)) {
    const camera = event?.[`${name}.camera`];
    if (!camera) continue;
    for (const [other, scene] of scenesOf(figure)) {
      if (other === name) continue;
      scene.setViewport({ ...scene.fullSceneLayout, camera });
      if (keep) scene.saveLayout(figure.layout);
    }
  }
}

function look() {
  for (const figure of document.querySelectorAll(".js-plotly-plot")) {
    if (linked.has(figure) || scenesOf(figure).length < 2) continue;
    linked.add(figure);
    figure.on("plotly_relayouting", (event) => follow(figure, event, false));
    figure.on("plotly_relayout", (event) => follow(figure, event, true));
  }
}

export default function () {
  look();
  const timer = setInterval(look, 500); // figures come and go with every rerun
  return () => clearInterval(timer);
}
