// The script of the pages: it draws the charts and keeps a page of the present up to date. Without it a page has all the same numbers.
'use strict';

(() => {
  const charts = [];
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
  const round = (v) => Number(v.toPrecision(4)).toLocaleString('en', { maximumFractionDigits: 12 });

  // stacked puts the filled series on each other: each of them begins where the one below it ends.
  function stacked(series) {
    const sums = [];
    return series.map((s) => s.fill ? s.values.map((v, i) => v === null ? null : (sums[i] = (sums[i] || 0) + v)) : s.values);
  }

  function draw(figure) {
    const data = JSON.parse(figure.querySelector('script').textContent);
    const place = figure.querySelector('.plot');
    place.replaceChildren();
    if (data.times.length === 0 || data.series.length === 0) return;
    const raw = data.series.map((s) => s.values);
    let series = data.series.map((s, i) => ({ ...s, raw: raw[i] }));
    let values = data.stack ? stacked(data.series) : raw;
    if (data.stack) { // The highest is drawn first, so that those below cover it.
      const order = series.map((_, i) => i).sort((a, b) => (series[b].fill - series[a].fill) || (series[a].fill ? b - a : a - b));
      series = order.map((i) => series[i]);
      values = order.map((i) => values[i]);
    }
    const axis = { stroke: color('soft'), font: '12px system-ui, sans-serif', grid: { stroke: color('line'), width: 1 }, ticks: { stroke: color('line'), width: 1, size: 4 } };
    const plot = new uPlot({
      width: place.clientWidth, height: data.low ? 150 : 240,
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), 'Etc/UTC'),
      scales: { x: { range: () => [data.from, Math.max(data.to, data.from + 1)] }, y: { range: (_, low, high) => [0, Math.max(high || 0, data.whole ? 1 : 1e-9) * 1.08] } },
      cursor: { points: { size: 6 }, drag: { x: false, y: false } },
      axes: [
        { ...axis, size: 34, values: [[3600, '{HH}:{mm}'], [60, '{HH}:{mm}'], [1, '{HH}:{mm}:{ss}']].map(([step, format]) => [step, format, null, null, null, null, null, null, 1]) },
        { ...axis, size: 52, values: (_, ticks) => ticks.map((v) => data.whole && v % 1 ? '' : round(v)) },
      ],
      series: [
        { label: 'UTC', value: (_, ts) => new Date((ts ?? data.times.at(-1)) * 1e3).toISOString().slice(11, 19) },
        ...series.map((s) => ({
          label: s.label, stroke: color(s.color), width: s.fill ? 0 : 1.6, dash: s.dash ? [6, 4] : undefined, points: { show: false }, spanGaps: false,
          fill: s.fill ? color(s.color) + (data.stack ? '' : '38') : undefined,
          paths: s.step ? uPlot.paths.stepped({ align: 1 }) : undefined,
          value: (_, __, ___, i) => { const v = s.raw[i ?? data.times.length - 1]; return v === null || v === undefined ? '–' : round(v); },
        })),
      ],
    }, [data.times, ...values], place);
    charts.push({ plot, place, height: data.low ? 150 : 240 });
  }

  function drawAll() {
    while (charts.length > 0) charts.pop().plot.destroy();
    document.querySelectorAll('figure.chart').forEach(draw);
  }

  // busy says that somebody reads or fills in something that must not change below their hands.
  const busy = () => document.hidden || document.activeElement?.closest('form, details, figure') || document.querySelector('.plot:hover') || String(getSelection()) !== '';

  async function refresh() {
    if (busy()) return;
    let text;
    try {
      text = await (await fetch(location.pathname + location.search)).text();
    } catch {
      stale('The exporter does not answer.');
      return;
    }
    const page = new DOMParser().parseFromString(text, 'text/html');
    const next = page.getElementById('content');
    if (next === null || busy()) return;
    const now = document.getElementById('content');
    const open = [...now.querySelectorAll('details[open] > summary')].map((s) => s.textContent);
    const held = document.activeElement?.closest('#content a')?.getAttribute('href');
    now.replaceChildren(...next.childNodes);
    if (held) [...now.querySelectorAll('a')].find((a) => a.getAttribute('href') === held)?.focus({ preventScroll: true });
    for (const s of now.querySelectorAll('details > summary')) s.parentElement.open = open.includes(s.textContent);
    document.title = page.title;
    drawAll();
  }

  // stale says that what is shown is no longer kept up to date.
  function stale(text) {
    if (document.getElementById('stale') !== null) return;
    const p = Object.assign(document.createElement('p'), { id: 'stale', className: 'banner error', textContent: text + ' What follows is what it said last.' });
    p.setAttribute('role', 'alert');
    document.getElementById('content').prepend(p);
  }

  drawAll();
  // A page that waits for the past asks again soon; one of the present when it is out of date.
  function again() {
    const seconds = document.querySelector('.progress[data-more]') !== null ? 1 : Number(document.body.dataset.refresh ?? 0);
    if (seconds > 0) setTimeout(() => refresh().finally(again), 1000 * seconds);
  }
  again();
  document.addEventListener('visibilitychange', () => { if (document.body.dataset.refresh) refresh(); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  let width = innerWidth;
  addEventListener('resize', () => {
    if (width === innerWidth) return;
    width = innerWidth;
    for (const c of charts) c.plot.setSize({ width: c.place.clientWidth, height: c.height });
  });
})();
