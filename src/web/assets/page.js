// What the page does beyond HTML: keys, completed values, a span of time chosen on the histogram, search and copy in a
// record, and the reader's time zone. Each part works without the others, and the page works without any of them.

const byId = (id) => document.getElementById(id);

// The server shows times in the zone that this cookie names.
function zone() {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const shown = document.documentElement.dataset.zone;
  if (!own || own === shown) return;
  const before = document.cookie;
  document.cookie = `watchbell-zone=${encodeURIComponent(own)}; Path=/; Max-Age=31536000; SameSite=Lax`;
  // Once: the server may not know the zone, or the reader may refuse cookies.
  if (document.cookie !== before && !sessionStorage.getItem("zone")) {
    sessionStorage.setItem("zone", own);
    location.reload();
  }
}

function keys() {
  const rows = () => [...document.querySelectorAll("table.records tbody tr, .incident")];
  const link = (row) => row.querySelector("a");
  const move = (by) => {
    const all = rows();
    const at = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
    if (next) link(next)?.focus();
  };
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, select, textarea");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      "/": () => byId("search")?.focus(),
      j: () => move(1),
      k: () => move(-1),
      "?": () => byId("keyboard")?.showModal(),
    };
    const act = acts[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
}

// Offers the values that the archive has for the chosen attribute.
function values() {
  const form = document.querySelector("form.filters");
  const list = byId("values");
  if (!form || !list) return;
  const [of, value] = [form.elements.add, form.elements.value];
  let last = null;
  let timer = 0;
  const ask = async () => {
    const query = new URLSearchParams({ of: of.value, part: value.value });
    if (query.toString() === last) return;
    last = query.toString();
    const answer = await fetch(`/values?${query}`);
    if (!answer.ok || query.toString() !== last) return;
    const options = (await answer.json()).map((text) => {
      const option = document.createElement("option");
      option.value = text;
      return option;
    });
    list.replaceChildren(...options);
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => ask().catch(() => {}), 150);
  };
  value.addEventListener("input", soon);
  value.addEventListener("focus", soon);
  of.addEventListener("change", soon);
}

// A span of time is chosen by dragging over the bars.
function spans() {
  const figure = document.querySelector(".histogram");
  const svg = figure?.querySelector("svg");
  if (!svg) return;
  const [first, width, bars] = [figure.dataset.first, figure.dataset.width, figure.dataset.bars].map(Number);
  const view = svg.viewBox.baseVal;
  const barAt = (event) => {
    const box = svg.getBoundingClientRect();
    const at = Math.floor(((event.clientX - box.left) / box.width) * bars);
    return Math.min(Math.max(at, 0), bars - 1);
  };
  let begun = null;
  let chosen = null;
  svg.addEventListener("pointerdown", (event) => {
    if (event.button === 0) begun = barAt(event);
  });
  svg.addEventListener("pointermove", (event) => {
    if (begun === null) return;
    const [from, to] = [begun, barAt(event)].sort((a, b) => a - b);
    if (from === to && !chosen) return;
    if (!chosen) {
      chosen = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      chosen.setAttribute("class", "chosen");
      chosen.setAttribute("y", "0");
      chosen.setAttribute("height", String(view.height));
      svg.append(chosen);
      svg.setPointerCapture(event.pointerId);
    }
    chosen.setAttribute("x", String((from / bars) * view.width));
    chosen.setAttribute("width", String(((to - from + 1) / bars) * view.width));
  });
  const end = (event) => {
    const from = begun;
    begun = null;
    if (!chosen) return;
    chosen.remove();
    chosen = null;
    const [low, high] = [from, barAt(event)].sort((a, b) => a - b);
    const url = new URL(location.href);
    for (const name of ["when", "before"]) url.searchParams.delete(name);
    url.searchParams.set("from", new Date(first + low * width).toISOString());
    url.searchParams.set("to", new Date(first + (high + 1) * width).toISOString());
    location.assign(url);
  };
  svg.addEventListener("pointerup", end);
  svg.addEventListener("pointercancel", () => { chosen?.remove(); begun = chosen = null; });
  svg.addEventListener("dragstart", (event) => event.preventDefault());
}

// Search and copy in the record as JSON.
function record() {
  const tools = document.querySelector(".json-tools");
  const pre = byId("record-json");
  if (!tools || !pre) return;
  tools.hidden = false;
  const whole = pre.textContent;
  const button = tools.querySelector("button");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(whole);
    button.textContent = button.dataset.copied;
  });
  const input = tools.querySelector("input");
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    const text = whole.toLowerCase();
    const parts = [];
    let from = 0;
    // Letters whose small form has another length would move the marks.
    if (wanted && text.length === whole.length) {
      for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, from)) {
        const mark = document.createElement("mark");
        mark.textContent = whole.slice(at, at + wanted.length);
        parts.push(whole.slice(from, at), mark);
        from = at + wanted.length;
      }
    }
    pre.replaceChildren(...parts, whole.slice(from));
    pre.querySelector("mark")?.scrollIntoView({ block: "nearest" });
  });
}

// New rows appear by themselves, at the place of their time, until the reader pauses.
function live() {
  const button = byId("live");
  const body = document.querySelector("table.records tbody");
  if (!button || !body) return;
  const status = byId("live-status");
  const time = (row) => row.querySelector("time")?.dateTime ?? "";
  const known = () => new Set([...body.rows].map((row) => row.dataset.at));
  const most = 500;
  let source = null;
  let count = 0;
  const add = (html) => {
    const holder = document.createElement("tbody");
    // The server has made text of every value.
    holder.innerHTML = html;
    const row = holder.rows[0];
    if (!row || known().has(row.dataset.at)) return false;
    const older = [...body.rows].find((one) => time(one) <= time(row));
    body.insertBefore(row, older ?? null);
    row.classList.add("new");
    if (body.rows.length > most) body.deleteRow(-1);
    return true;
  };
  const begin = () => {
    source = new EventSource(button.dataset.live);
    source.addEventListener("rows", (event) => {
      const added = JSON.parse(event.data).filter(add).length;
      count += added;
      if (added) document.querySelector(".empty")?.remove();
      if (count) status.textContent = `${count} ${status.dataset.new}`;
    });
    source.addEventListener("problem", (event) => {
      status.textContent = JSON.parse(event.data);
    });
  };
  const show = () => {
    button.textContent = source ? button.dataset.going : button.dataset.paused;
    button.setAttribute("aria-pressed", String(source !== null));
  };
  const pause = () => {
    source?.close();
    source = null;
  };
  button.addEventListener("click", () => {
    if (source) pause();
    else begin();
    show();
  });
  // A page that is left, also to be kept for the way back, holds no connection.
  addEventListener("pagehide", pause);
  button.hidden = false;
  begin();
  show();
}

// The incidents are read anew when something has changed, but not while the reader works on the page.
function changes() {
  const main = byId("content");
  if (!byId("changes")) return;
  let source = null;
  const isTouched = (field) => {
    if (field.type === "checkbox") return field.checked;
    if (field.options) return [...field.options].some((option) => option.index > 0 && option.selected !== option.defaultSelected);
    return field.value !== field.defaultValue;
  };
  const isBusy = () => {
    const focused = document.activeElement;
    const fields = [...main.querySelectorAll("input, select, textarea")];
    return (focused !== main && main.contains(focused)) || fields.some(isTouched);
  };
  const refresh = async () => {
    const answer = isBusy() ? null : await fetch(byId("changes").querySelector("a").href).catch(() => null);
    // The reader may have begun in the meantime.
    if (!answer?.ok || isBusy()) {
      byId("changes").hidden = false;
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    main.replaceChildren(...page.getElementById("content").childNodes);
  };
  const listen = () => {
    source = new EventSource(byId("changes").dataset.changes);
    source.addEventListener("changed", refresh);
  };
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
  listen();
}

zone();
live();
changes();
keys();
values();
spans();
record();
