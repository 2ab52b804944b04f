// Keeps a page of the present up to date.
'use strict';

(() => {
  // busy says that somebody reads or fills in something that must not change below their hands.
  const busy = () => document.hidden || document.activeElement?.closest('form, details, figure') || document.querySelector('.plot:hover') || String(getSelection()) !== '';

  async function refresh() {
    if (busy()) return;
    let text, whole;
    try {
      const answer = await fetch(location.pathname + location.search);
      [text, whole] = [await answer.text(), answer.ok];
    } catch {
      stale('The exporter does not answer.');
      return;
    }
    const page = new DOMParser().parseFromString(text, 'text/html');
    const next = page.getElementById('content');
    if (!whole) {
      stale('The exporter answers: ' + (next?.querySelector('.banner')?.textContent ?? 'it cannot.'));
      return;
    }
    if (next === null || busy()) return;
    const now = document.getElementById('content');
    const open = [...now.querySelectorAll('details[open] > summary')].map((s) => s.textContent);
    const held = document.activeElement?.closest('#content a')?.getAttribute('href');
    now.replaceChildren(...next.childNodes);
    if (held) [...now.querySelectorAll('a')].find((a) => a.getAttribute('href') === held)?.focus({ preventScroll: true });
    for (const s of now.querySelectorAll('details > summary')) s.parentElement.open = open.includes(s.textContent);
    document.title = page.title;
    drawCharts();
  }

  // stale says that what is shown is no longer kept up to date.
  function stale(text) {
    document.getElementById('stale')?.remove();
    const p = Object.assign(document.createElement('p'), { id: 'stale', className: 'banner error', textContent: text + ' What follows is what it said last.' });
    p.setAttribute('role', 'alert');
    document.getElementById('content').prepend(p);
  }

  // A page that waits for the past asks again soon; one of the present when it is out of date.
  function again() {
    const seconds = document.querySelector('.progress[data-more]') !== null ? 1 : Number(document.body.dataset.refresh ?? 0);
    if (seconds > 0) setTimeout(() => refresh().finally(again), 1000 * seconds);
  }
  again();
  document.addEventListener('visibilitychange', () => { if (document.body.dataset.refresh) refresh(); });
})();
