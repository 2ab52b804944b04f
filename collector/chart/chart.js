// Draws the charts of a page, each from the data that stands in it. Without scripts a page has all the same numbers.
'use strict';

const drawCharts = (() => {
  const charts = [];
  const day = 86400;
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
  const round = (v) => Number(v.toPrecision(4)).toLocaleString('en', { maximumFractionDigits: 12 });

  // short writes a number where there is room for seven characters.
  const short = (v) => v >= 1e6 ? v.toLocaleString('en', { notation: 'compact', maximumSignificantDigits: 4 }) : v > 0 && v < 1e-3 ? v.toExponential() : round(v);

  // stacked puts the filled series on each other: each of them begins where the one below it ends.
  function stacked(series) {
    const sums = [];
    return series.map((s) => s.fill ? s.values.map((v, i) => v === null ? null : (sums[i] = (sums[i] || 0) + v)) : s.values);
  }

  // since writes a time since the beginning as 2d, 1h30m or 45s.
  function since(seconds) {
    const parts = [[day, 'd'], [3600, 'h'], [60, 'm'], [1, 's']];
    let rest = Math.round(seconds), text = '';
    for (const [size, unit] of parts) {
      if (rest >= size) text += Math.floor(rest / size) + unit;
      rest %= size;
    }
    return text || '0';
  }

  // moment writes a time of a chart whole.
  function moment(data, seconds) {
    if (data.since) return since(seconds);
    const text = new Date(seconds * 1e3).toISOString();
    return data.to - data.from > day ? text.slice(0, 10) + ' ' + text.slice(11, 16) : text.slice(11, 19);
  }

  // mark draws what happened behind the series: a band for as long as it lasted, a line where it began, and what it is called above.
  function mark(plot, marks) {
    const { ctx, bbox } = plot, pixel = devicePixelRatio;
    ctx.save();
    ctx.fillStyle = ctx.strokeStyle = color('held');
    ctx.font = `600 ${11 * pixel}px system-ui, sans-serif`;
    ctx.textAlign = 'center';
    ctx.lineWidth = pixel;
    ctx.setLineDash([3 * pixel, 3 * pixel]);
    const labels = new Map(); // those of one moment stand side by side
    for (const m of marks) {
      labels.set(m.from, [...labels.get(m.from) ?? [], m.label]);
      const from = plot.valToPos(m.from, 'x', true), to = plot.valToPos(m.to, 'x', true);
      ctx.globalAlpha = .12;
      ctx.fillRect(from, bbox.top, to - from, bbox.height);
      ctx.globalAlpha = 1;
      ctx.beginPath();
      ctx.moveTo(from, bbox.top);
      ctx.lineTo(from, bbox.top + bbox.height);
      ctx.stroke();
    }
    for (const [from, all] of labels) ctx.fillText(all.join(', '), plot.valToPos(from, 'x', true), bbox.top - 5 * pixel);
    ctx.restore();
  }

  // clock is how ticks of the time are written. Ranges of more than a day have the date below midnight.
  function clock(data) {
    if (data.since) return (_, ticks) => ticks.map(since);
    const long = data.to - data.from > day, date = long ? '\n{MMM} {D}' : null;
    return [[day, '{MMM} {D}', null, null, null, null, null, null, 1], ...[[60, '{HH}:{mm}'], [1, '{HH}:{mm}:{ss}']].map(([step, format]) => [step, format, date, null, date, null, null, null, 1])];
  }

  function draw(figure) {
    const place = figure.querySelector('.plot');
    if (!place.checkVisibility()) return;
    const data = JSON.parse(figure.querySelector('script').textContent);
    place.replaceChildren();
    if (data.times.length === 0 || !data.series?.length) return;
    const raw = data.series.map((s) => s.values);
    let series = data.series.map((s, i) => ({ ...s, raw: raw[i] }));
    let values = data.stack ? stacked(data.series) : raw;
    if (data.stack) { // The highest is drawn first, so that those below cover it.
      const order = series.map((_, i) => i).sort((a, b) => (series[b].fill - series[a].fill) || (series[a].fill ? b - a : a - b));
      series = order.map((i) => series[i]);
      values = order.map((i) => values[i]);
    }
    const axis = { stroke: color('soft'), font: '12px system-ui, sans-serif', grid: { stroke: color('line'), width: 1 }, ticks: { stroke: color('line'), width: 1, size: 4 } };
    const height = data.low ? 150 : 240;
    const plot = new uPlot({
      width: place.clientWidth, height,
      padding: [data.marks ? 18 : null, data.to - data.from < 600 ? 28 : null, null, null], // Times with seconds are wide.
      hooks: data.marks ? { drawAxes: [(u) => mark(u, data.marks)] } : undefined,
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), 'Etc/UTC'),
      scales: { x: { range: () => [data.from, Math.max(data.to, data.from + 1)] }, y: { range: (_, low, high) => [0, (high > 1e-9 ? Math.max(high, data.whole ? 1 : 0) : 1) * 1.08] } },
      legend: { markers: { width: 0, fill: (u, i) => u.series[i].stroke?.(u, i) } },
      cursor: { points: { size: 6 }, drag: { x: false, y: false } },
      axes: [
        { ...axis, size: !data.since && data.to - data.from > day ? 46 : 34, values: clock(data) },
        { ...axis, size: 52, values: (_, ticks) => ticks.map((v) => data.whole && v % 1 ? '' : short(v)) },
      ],
      series: [
        { label: data.since ? 'Time' : 'UTC', value: (_, ts) => moment(data, ts ?? data.times.at(-1)) },
        ...series.map((s) => ({
          label: s.label, stroke: color(s.color), width: s.fill ? 0 : s.wide ? 4 : 1.6, dash: s.dash ? [6, 4] : undefined, points: { show: false }, spanGaps: false,
          fill: s.fill ? color(s.color) + (data.stack ? '' : '38') : undefined,
          paths: s.step ? uPlot.paths.stepped({ align: 1 }) : undefined,
          value: (_, __, ___, i) => { const v = s.raw[i ?? data.times.length - 1]; return v === null || v === undefined ? '–' : round(v); },
        })),
      ],
    }, [data.times, ...values], place);
    charts.push({ plot, place, height });
  }

  function drawAll() {
    while (charts.length > 0) charts.pop().plot.destroy();
    document.querySelectorAll('figure.chart').forEach(draw);
  }

  drawAll();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  document.addEventListener('toggle', (e) => { if (e.target.querySelector('figure.chart')) drawAll(); }, true);
  let width = innerWidth;
  addEventListener('resize', () => {
    if (width === innerWidth) return;
    width = innerWidth;
    for (const c of charts) c.plot.setSize({ width: c.place.clientWidth, height: c.height });
  });
  return drawAll;
})();
