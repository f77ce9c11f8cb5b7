// Fingers on the time line: one moves along the time, two zoom about what lies between them, a tap reads. What goes up
// and down is left to the browser, which scrolls the page (page.css: touch-action).
function fingers(u) {
  const { over } = u;
  const held = new Map();  // where each finger is, by its number
  let from;                // what is shown since there were so many of them, and where they were
  const places = () => [...held.values()].sort((one, two) => one - two);
  const begin = () => { from = { since: state.since, until: state.until, at: places(), moved: false }; };
  const gone = (event) => {
    if (!held.delete(event.pointerId)) return;
    if (!held.size && !from.moved && event.type === 'pointerup') tapped(u, event);
    begin();
  };
  over.addEventListener('pointerdown', (event) => {
    if (event.pointerType !== 'touch' || held.size === 2) return;
    over.setPointerCapture(event.pointerId);
    held.set(event.pointerId, event.clientX);
    const moved = from?.moved && held.size > 1;
    begin();
    from.moved = moved || held.size > 1;
  });
  over.addEventListener('pointermove', (event) => {
    if (!held.has(event.pointerId)) return;
    held.set(event.pointerId, event.clientX);
    const [at, whole] = [places(), from.until - from.since];
    if (Math.abs(at[0] - from.at[0]) < 5 && !from.moved) return;
    from.moved = true;
    if (u === brush) {
      const middle = u.posToVal(at[0] - over.getBoundingClientRect().left, 'x');
      show(middle - whole / 2, middle + whole / 2);
      return;
    }
    // The times that the fingers took hold of stay below them.
    const { left, width } = over.getBoundingClientRect();
    const time = (x) => from.since + ((x - left) / width) * whole;
    const span = at.length === 1 ? whole : ((time(from.at[1]) - time(from.at[0])) / Math.max(20, at[1] - at[0])) * width;
    const since = time(from.at[0]) - ((at[0] - left) / width) * span;
    show(since, since + span);
  });
  over.addEventListener('pointerup', gone);
  over.addEventListener('pointercancel', gone);
}

function tapped(u, event) {
  const x = event.clientX - u.over.getBoundingClientRect().left;
  if (u === brush) {
    const [middle, half] = [u.posToVal(x, 'x'), (state.until - state.since) / 2];
    show(middle - half, middle + half);
  } else {
    u.setCursor({ left: x, top: 1 });
  }
}
