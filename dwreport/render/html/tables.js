// Tables are sorted by a click on a column's name; cards and rows follow what is chosen in the time line.
const collator = new Intl.Collator('en', { numeric: true });
for (const table of all('table')) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  if (rows.length < 2) continue;
  all('th', table).forEach((head, place) => {
    const button = element('button', '', head.textContent);
    button.type = 'button';
    head.replaceChildren(button);
    const isNumber = rows.some((row) => row.cells[place].dataset.v !== undefined);
    button.addEventListener('click', () => {
      // Numbers begin with the greatest, names with the first; what is not known is last either way.
      const first = isNumber ? 'descending' : 'ascending';
      const other = isNumber ? 'ascending' : 'descending';
      const order = head.getAttribute('aria-sort') === first ? other : first;
      const sign = order === 'ascending' ? 1 : -1;
      all('th', table).forEach((one) => one.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', order);
      const key = (row) => { const cell = row.cells[place]; return isNumber ? cell.dataset.v : cell.textContent; };
      const isKnown = (value) => value !== undefined && value !== '-' && value !== '';
      body.append(...rows.map((row) => [row, key(row)]).sort(([, one], [, two]) => {
        if (!isKnown(one) || !isKnown(two)) return isKnown(two) - isKnown(one);
        return sign * (isNumber ? Number(one) - Number(two) : collator.compare(one, two));
      }).map(([row]) => row));
    });
  });
}

// Of a section, say how many of its rows are shown where these are not all.
const told = new Map(all('section .of').map((one) => [one.closest('section').id, [one, one.textContent]]));
const tell = (section, shown, whole) => {
  const [place, before] = told.get(section) || [];
  if (place) place.textContent = shown === whole ? before : `${grouped(shown)} of ${grouped(whole)} shown`;
};
watchers.push(() => {
  const isWhole = state.since <= data.since && state.until >= data.until;
  for (const section of all('main > section')) {
    const parts = all('[data-f], [data-since]', section).filter((one) => !one.closest('#time'));
    for (const one of parts) {
      const { f, since, until } = one.dataset;
      one.hidden = since !== undefined ? !(isWhole || (Number(since) < state.until && Number(until) >= state.since))
        : !isChosen(f.split(' ').filter(Boolean).map(Number));
    }
    if (parts.length) tell(section.id, parts.filter((one) => !one.hidden).length, parts.length);
  }
});
for (const button of all('.only')) {
  button.hidden = !data.findings.some((one) => one.number === Number(button.dataset.only));
  button.addEventListener('click', () => {
    const number = Number(button.dataset.only);
    const isAlone = state.findings.size === 1 && state.findings.has(number);
    state.findings = new Set(isAlone ? data.findings.map((one) => one.number) : [number]);
    changed();
    byId('time').scrollIntoView({ block: 'nearest' });
  });
}
watchers.push(() => {
  for (const button of all('.only')) {
    const isAlone = data.findings.length > 1 && state.findings.size === 1
      && state.findings.has(Number(button.dataset.only));
    button.textContent = isAlone ? 'Show all again' : 'Only this in the time line';
  }
});
changed();
