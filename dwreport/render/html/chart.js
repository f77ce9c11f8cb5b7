// The time line: bars of the chosen findings upon each other, on what was watched; time is chosen by drag or keys.
const steps = data.counts.length;
const start = (place) => data.start + place * data.step;
const [COMPLETE, PARTIAL, BLIND] = [0, 1, 2];
const probe = document.body.appendChild(element('span'));
probe.hidden = true;
const colour = (name) => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color; };
const times = Array.from({ length: steps }, (_, place) => start(place));
const bars = steps && uPlot.paths.bars({ size: [1, Infinity], align: 1 });
const lines = steps && uPlot.paths.stepped({ align: 1 });
const isLog = () => byId('time').querySelector('[data-do="log"]').getAttribute('aria-pressed') === 'true';
const drawnFindings = () => data.findings.filter((one) => one.shape && state.findings.has(one.number));
let main, brush, drawn;

// Bars from the top of the pile to its foot, each over those before; in lines each begins at zero. The grey behind
// them is all that was dropped: there may be drops of which it is not on record to which finding they belong.
function pile() {
  const [foot, columns, options] = [new Array(steps).fill(0), [], []];
  for (const one of drawnFindings()) {
    columns.unshift(times.map((_, place) => {
      const count = one.shape[place] || 0;
      if (isLog()) return count || (data.coverage[place] === BLIND ? null : 0);
      foot[place] += count;
      return count ? foot[place] : null;
    }));
    const tone = colour(`c${one.colour}`);
    options.unshift(isLog() ? { stroke: tone, width: 2, paths: lines } : { fill: tone, stroke: tone, width: 0, paths: bars });
  }
  const isAll = data.findings.every((one) => state.findings.has(one.number));
  const whole = isLog() || !isAll ? times.map(() => null) : data.counts;
  const plain = { points: { show: false } };
  return [[times, whole, ...columns], [{}, { fill: colour('all'), width: 0, paths: bars, ...plain },
    ...options.map((one) => ({ ...one, ...plain }))]];
}

// What was not watched is shaded before anything is drawn, so that it is never taken for zero.
function shade(u) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (let first = 0; first < steps;) {
    let last = first;
    while (last < steps && data.coverage[last] === data.coverage[first]) last += 1;
    if (data.coverage[first] !== COMPLETE) {
      const left = u.valToPos(Math.max(start(first), data.since), 'x', true);
      const right = u.valToPos(Math.min(start(last), data.until), 'x', true);
      ctx.fillStyle = colour('shaded');
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
      if (data.coverage[first] === BLIND) hatch(ctx, left, right, bbox);
    }
    first = last;
  }
  ctx.restore();
}
function hatch(ctx, left, right, bbox) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, bbox.top, right - left, bbox.height);
  ctx.clip();
  ctx.strokeStyle = colour('shade');
  ctx.lineWidth = devicePixelRatio * 0.75;
  const [gap, bottom] = [7 * devicePixelRatio, bbox.top + bbox.height];
  ctx.beginPath();
  for (let x = Math.floor(left / gap) * gap - bbox.height; x < right; x += gap) {
    ctx.moveTo(x, bottom);
    ctx.lineTo(x + bbox.height, bbox.top);
  }
  ctx.stroke();
  ctx.restore();
}

function events(u) {
  const { ctx, bbox } = u;
  const size = 5 * devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour('event');
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const event of data.events) {
    const x = u.valToPos(event.time, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(x - size, bbox.top - size * 1.5);
    ctx.lineTo(x + size, bbox.top - size * 1.5);
    ctx.lineTo(x, bbox.top);
    ctx.fill();
  }
  ctx.restore();
}

// Times of the axis: with the day where it is another than before.
function labels(u, splits, _axis, _space, every) {
  return splits.map((time, place) => {
    const short = every >= 86400 ? '' : every >= 60 ? clock(time).slice(0, 5) : clock(time);
    const isNew = place === 0 || day(time) !== day(splits[place - 1]);
    return isNew ? `${short}\n${day(time)}`.trim() : short;
  });
}
const local = (time) => {  // what the library reads by the reader's own clock
  const at = wall(time);
  return new Date(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes(),
    at.getUTCSeconds(), at.getUTCMilliseconds());
};

function build() {
  main?.destroy();
  brush?.destroy();
  const [columns, series] = pile();
  const width = byId('chart').clientWidth;
  const axis = { stroke: colour('soft'), font: '12px system-ui, sans-serif', ticks: { stroke: colour('line'), width: 1, size: 5 } };
  const y = { range: (_u, _low, high) => [0, high > 0 ? high * 1.05 : 4], ...(isLog() && { distr: 4, asinh: 1 }) };
  const shared = { tzDate: local, legend: { show: false } };
  main = new uPlot({
    ...shared, width, height: width < 500 ? 220 : 280, padding: [12, 12, 0, 0], series,
    scales: { x: { time: true, range: () => [state.since, state.until] }, y },
    axes: [{ ...axis, grid: { show: false }, values: labels, space: 80 },
      { ...axis, grid: { stroke: colour('grid'), width: 1 }, ticks: { show: false }, size: sizeOf, gap: 8, ...(isLog() && { splits: powers }),
        values: (_u, splits) => splits.map((value) => (Number.isInteger(value) ? grouped(value) : '')) }],
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false },
      bind: { dblclick: () => () => show(data.since, data.until) } },
    hooks: { drawClear: [shade], draw: [events], setSelect: [chosen], setCursor: [read] },
  }, columns, byId('chart'));
  brush = new uPlot({
    ...shared, width, height: 52, padding: [2, 12, 2, 0],
    series: [{}, { fill: colour('all'), width: 0, paths: bars, points: { show: false } }],
    scales: { x: { time: true, range: () => [data.since, data.until] }, y: { range: y.range, distr: 4, asinh: 1 } },
    axes: [{ show: false }, { show: true, size: () => main.axes[1]._size, values: () => [], grid: { show: false }, ticks: { show: false } }],
    cursor: { x: false, y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    hooks: { drawClear: [shade], setSelect: [chosen] },
  }, [times, data.counts], byId('brush'));
  fingers(main);
  fingers(brush);
  mark();
}
const powers = (_u, _axis, _low, high) => [0, ...Array.from({ length: 20 }, (_, power) => 10 ** power)].filter((one) => one <= high);
const sizeOf = (_u, values) => 16 + 7.2 * Math.max(3, ...(values || []).map((value) => value.length));

// Time is chosen: by a drag in one of the charts, by a button, or by a key.
function chosen(u) {
  const { left, width } = u.select;
  if (width < 4 || (u === brush && marking)) return;
  const [since, until] = [u.posToVal(left, 'x'), u.posToVal(left + width, 'x')];
  u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  show(since, until);
}
function show(since, until) {
  const whole = data.until - data.since;
  const span = Math.min(whole, Math.max(until - since, Math.min(whole, 3 * data.step)));
  const middle = (since + until) / 2;
  state.since = Math.min(Math.max(data.since, middle - span / 2), data.until - span);
  state.until = state.since + span;
  main.setScale('x', { min: state.since, max: state.until });
  mark();
  changed();
}
let marking = false;
function mark() {
  const isWhole = state.since <= data.since && state.until >= data.until;
  const [left, right] = [state.since, state.until].map((time) => brush.valToPos(time, 'x'));
  marking = true;
  const span = isWhole ? { left: -9999, width: 0 } : { left, width: Math.max(2, right - left) };  // none is out of sight
  brush.setSelect({ ...span, top: 0, height: brush.over.clientHeight }, false);
  marking = false;
  read(main);
}

// What is under the cursor, in words.
function read(u) {
  const out = byId('readout');
  const { left } = u.cursor;
  if (left === undefined || left === null || left < 0) {
    const days = day(state.since) === day(state.until) ? '' : `${day(state.until)} `;
    out.replaceChildren(element('b', '', `${day(state.since)} ${clock(state.since)} to ${days}${clock(state.until)} ${zoneName(state.until)}`));
    return;
  }
  const place = Math.min(steps - 1, Math.max(0, Math.floor((u.posToVal(left, 'x') - data.start) / data.step)));
  const [since, until] = [Math.max(start(place), data.since), Math.min(start(place) + data.step, data.until)];
  const count = data.counts[place];
  const parts = [count === null ? 'not known' : count === 0 ? 'none dropped' : `${grouped(count)} dropped`];
  if (data.coverage[place] !== COMPLETE) parts.push(data.coverage[place] === BLIND ? 'not watched' : 'watched in part');
  const found = drawnFindings().filter((one) => one.shape[place]);
  for (const one of found.slice(0, 4)) parts.push(`#${one.number} ${grouped(one.shape[place])}`);
  if (found.length > 4) parts.push(`and ${found.length - 4} more findings`);
  if (data.findings.reduce((sum, one) => sum + (one.shape?.[place] || 0), 0) < count) parts.push('others');
  const happened = data.events.filter((event) => event.time >= since && event.time < until);
  for (const event of happened.slice(0, 3)) parts.push(event.text);
  if (happened.length > 3) parts.push(`and ${happened.length - 3} more events`);
  out.replaceChildren(element('b', '', `${day(since)} ${clock(since)} to ${clock(until)} ${zoneName(since)}`),
    document.createTextNode(` · ${parts.join(' · ')}`));
}
function move(by) {
  const at = main.cursor.left >= 0 ? Math.floor((main.posToVal(main.cursor.left, 'x') - data.start) / data.step)
    : Math.floor((state.since - data.start) / data.step) - (by > 0 ? 1 : 0);
  const place = Math.min(steps - 1, Math.max(0, at + by));
  const middle = start(place) + data.step / 2;
  const span = state.until - state.since;
  if (middle < state.since) show(middle - data.step, middle - data.step + span);
  if (middle > state.until) show(middle + data.step - span, middle + data.step);
  main.setCursor({ left: main.valToPos(Math.min(Math.max(middle, state.since), state.until), 'x'), top: 1 });
}

const zoom = (by) => {
  const [middle, half] = [(state.since + state.until) / 2, (state.until - state.since) / 2 * by];
  show(middle - half, middle + half);
};
const pan = (by) => { const far = (state.until - state.since) * by; show(state.since + far, state.until + far); };
const actions = {
  in: () => zoom(0.5), out: () => zoom(2), back: () => pan(-0.5), on: () => pan(0.5),
  all: () => show(data.since, data.until),
  every: () => choose(offered), none: () => choose([]),
  log: (button) => { button.setAttribute('aria-pressed', String(!isLog())); changed(); },
};
const keys = {
  '+': actions.in, '=': actions.in, '-': actions.out, PageUp: actions.back, PageDown: actions.on, Escape: actions.all,
  Home: actions.all, ArrowLeft: () => move(-1), ArrowRight: () => move(1),
};
const choose = (numbers) => { state.findings = new Set(numbers); changed(); };

function offer(one) {
  const label = element('label');
  const box = element('input');
  box.type = 'checkbox';
  box.checked = true;
  box.addEventListener('change', () => {
    state.findings[box.checked ? 'add' : 'delete'](one.number);
    changed();
  });
  const title = element('span', 'title', `${one.number} ${one.title}`);
  title.append(element('span', 'where', one.where ? ` · ${one.where}` : ''));
  title.title = `${title.textContent}${one.shape ? '' : ' (when is not on record)'}`;
  label.append(box, element('span', `swatch ${one.shape ? `c${one.colour}` : ''}`), title,
    element('span', 'count', grouped(one.count)));
  watchers.push(() => { box.checked = state.findings.has(one.number); });
  return label;
}

if (steps) {
  byId('time').hidden = false;
  byId('step').textContent = data.span;
  byId('choices').append(...data.findings.map(offer));
  byId('filter').hidden = !data.findings.length;
  for (const button of all('[data-do]')) button.addEventListener('click', () => actions[button.dataset.do](button));
  byId('chart').addEventListener('keydown', (event) => {
    if (!keys[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    byId('readout').setAttribute('aria-live', 'polite');
    keys[event.key]();
  });
  byId('chart').addEventListener('pointermove', () => byId('readout').setAttribute('aria-live', 'off'));
  build();
  watchers.push(() => {
    const now = [[...state.findings].sort(), isDark(), isLog(), byId('chart').clientWidth].join();
    if (drawn !== undefined && drawn !== now) build();
    drawn = now;
  });
  new ResizeObserver(() => changed()).observe(byId('chart'));
  let before;
  addEventListener('beforeprint', () => {
    before = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = 'light';
    byId('chart').style.width = '680px';
    changed();
  });
  addEventListener('afterprint', () => {
    if (before) document.documentElement.dataset.theme = before;
    else delete document.documentElement.dataset.theme;
    byId('chart').style.width = '';
    changed();
  });
}
