/** What turns the reading direction, hides, or can't be seen. */
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\u200b\ufeff]/gu;

/** Text that anybody may have written, with what is unprintable escaped as in JSON. Line ends become spaces, as in all HTML. */
function visible(text) {
  return text
    .replace(/[\t\r\n]+/g, " ")
    .replace(UNPRINTABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** An element with attributes and children. Text stays text: nothing that came from a task can become markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(key, visible(String(value)));
  }
  made.append(...children.map((child) => (typeof child === "string" ? visible(child) : child)));
  return made;
}

/** A table; each column has a title, a cell for a row, and the classes of its cells. */
export function table(columns, rows, whenEmpty) {
  if (rows.length === 0) return element("p", { class: "none" }, whenEmpty);
  const head = columns.map(({ title, kind }) =>
    element("th", { scope: "col", class: kind }, title),
  );
  const body = rows.map((row) =>
    element(
      "tr",
      {},
      ...columns.map(({ cell, kind }) => element("td", { class: kind }, cell(row))),
    ),
  );
  return element(
    "div",
    { class: "scroll" },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...body),
    ),
  );
}

/** A number under its name. */
export function figure(name, value, attributes = {}) {
  return element(
    "dl",
    { class: "figure", ...attributes },
    element("dt", {}, name),
    element("dd", {}, value),
  );
}

/** A word on a ground of the state's color. */
export function badge(state, text = state) {
  return element("span", { class: "badge", "data-state": state }, text);
}

/** How much of a whole is taken. */
export function bar(value, most) {
  const shown = element("meter", { min: 0, max: Math.max(most, 1), value });
  return element("span", { class: "bar" }, shown, ` ${value}/${most}`);
}
