// What the parts of the page share: its data, its elements, and the zone that its times are of.
const data = JSON.parse(document.getElementById('data').textContent);
const byId = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};
const grouped = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, '\u00a0');

// The clock of the report, which need not be that of who reads it.
const zoneAt = (time) => data.zones.findLast((zone) => zone[0] <= time) || data.zones[0] || [0, 0, 'UTC'];
const wall = (time) => new Date((time + zoneAt(time)[1]) * 1000);  // its UTC fields are those of that clock
const two = (value) => String(value).padStart(2, '0');
const day = (time) => { const at = wall(time); return `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`; };
const clock = (time) => { const at = wall(time); return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`; };
const zoneName = (time) => zoneAt(time)[2];

// What is chosen: the findings that are shown, and the time. Whoever shows something of it is told of changes.
const state = { findings: new Set(data.findings.map((one) => one.number)), since: data.since, until: data.until };
const watchers = [];
const changed = () => watchers.forEach((tell) => tell());
const offered = new Set(state.findings);  // what is not offered is always shown
const isChosen = (numbers) => !numbers.length
  || numbers.some((number) => state.findings.has(number) || !offered.has(number));

// Light or dark: as the system has it, until somebody chooses.
const dark = matchMedia('(prefers-color-scheme: dark)');
const isDark = () => (document.documentElement.dataset.theme || (dark.matches ? 'dark' : 'light')) === 'dark';
const theme = byId('theme');
const nameTheme = () => { theme.textContent = isDark() ? 'Light' : 'Dark'; };
theme.hidden = false;
theme.addEventListener('click', () => {
  document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
  nameTheme();
  changed();
});
dark.addEventListener('change', () => { nameTheme(); changed(); });
nameTheme();

// On paper all is unfolded.
let folded = [];
addEventListener('beforeprint', () => { folded = all('details:not([open])'); folded.forEach((one) => { one.open = true; }); });
addEventListener('afterprint', () => folded.forEach((one) => { one.open = false; }));
