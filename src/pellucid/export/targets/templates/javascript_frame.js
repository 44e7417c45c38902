// The rest of a JavaScript program: reading rows, predicting, the self-test, and the command line. It is copied into each.
//
// Names that are not defined here are the program's own: COLUMNS, OUTPUTS, LABELS, TOLERANCE, USAGE, vectors, raw (an
// array for each column, into which a row is written), results (one for each output), and compute.

function constant(text, type) {
  const bytes = globalThis.Buffer ? Buffer.from(text, "base64") : Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = new type(bytes.byteLength / type.BYTES_PER_ELEMENT);
  const read = (type === Float32Array ? view.getFloat32 : view.getFloat64).bind(view);
  for (let k = 0; k < numbers.length; k++) numbers[k] = read(k * type.BYTES_PER_ELEMENT, true); // lowest byte first
  return numbers;
}

function refuse(name, value, expected) {
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  throw new TypeError(`column ${JSON.stringify(name)}: got ${shown}; it expects ${expected}.`);
}

function isMissing(value) {
  return value === null || value === undefined || value === "" || Number.isNaN(value);
}

/** A raw value as a number, NaN where it is missing. */
function number(value, name) {
  if (isMissing(value)) return NaN;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return Number(value);
  const text = typeof value === "string" ? value.trim().toLowerCase() : "";
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(text)) return Number(text);
  const named = /^([+-]?)(inf|infinity|nan)$/.exec(text);
  if (!named) refuse(name, value, "a number, or null, undefined, NaN or empty text where it is missing");
  return named[2] === "nan" ? NaN : named[1] === "-" ? -Infinity : Infinity;
}

/** A raw value as 1 or 0, NaN where it is missing. */
function truth(value, name) {
  if (isMissing(value)) return NaN;
  const text = String(value).toLowerCase();
  if (text === "true" || text === "1") return 1;
  if (text === "false" || text === "0") return 0;
  return refuse(name, value, "true or false, or null, undefined, NaN or empty text where it is missing");
}

/** A Date, ISO 8601 text (in UTC where it has no offset) or a number of microseconds as microseconds since 1970-01-01. */
function microseconds(value, name) {
  if (isMissing(value)) return NaN;
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.getTime() * 1000;
  const pattern =
    /^(\d{4})-(\d\d)-(\d\d)(?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,](\d{1,9}))?)?\s?(Z|[+-]\d\d:?\d\d)?)?$/;
  const parts = typeof value === "string" ? pattern.exec(value.trim()) : null;
  const midnight = new Date(0);
  if (parts) midnight.setUTCFullYear(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]));
  if (!parts || midnight.getUTCMonth() !== Number(parts[2]) - 1) {
    refuse(name, value, "a Date, a date or time such as 2026-07-01T09:30:00, or microseconds since 1970-01-01");
  }
  const [, , , , hour = 0, minute = 0, second = 0, fraction = "", offset = "Z"] = parts;
  const digits = offset.replace(/[Z+:-]/g, "");
  const east = (offset[0] === "-" ? -1 : 1) * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2)));
  const seconds = (Number(hour) * 60 + Number(minute) - east) * 60 + Number(second);
  return midnight.getTime() * 1000 + (seconds * 1000000 + Number(fraction.padEnd(6, "0").slice(0, 6)));
}

/** A raw value as a category's name, empty where it is missing: 3 and "3" are one. */
function category(value) {
  if (isMissing(value)) return "";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 63) return BigInt(value).toString();
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Math.abs(value) >= 1e-4 && Math.abs(value) < 1e16) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2"); // as the model was trained with: 1e-05
}

function vector(value, name, size) {
  if (value?.length !== size) refuse(name, value, `${size} numbers`);
  return Array.from(value, (each) => number(each, name));
}

function cell(row, name) {
  if (Object.hasOwn(row, name)) return row[name];
  const given = Object.keys(row).map((each) => JSON.stringify(each)).join(", ");
  throw new TypeError(`the row has no column ${JSON.stringify(name)}; its columns are ${given || "none"}.`);
}

function load(row) {
  COLUMNS.forEach(({ name, kind, size }, index) => {
    const value = cell(row, name);
    if (kind === "vector") raw[index].set(vector(value, name, size));
    else if (kind === "category") raw[index][0] = category(value);
    else raw[index][0] = { number, boolean: truth, date: microseconds }[kind](value, name);
  });
}

/** What is predicted for a row, an object with a value for each column. */
export function predict(row) {
  load(row);
  compute();
  const found = {};
  OUTPUTS.forEach(({ name, kind }, index) => {
    const values = Array.from(results[index]);
    if (kind === "label") found[name] = LABELS[values[0]];
    else if (kind === "labels") found[name] = values.map((value) => value === 1);
    else found[name] = kind === "numbers" && values.length === 1 ? values[0] : values;
  });
  return found;
}

/** What is predicted for each of several rows. */
export function predictRows(rows) {
  return Array.from(rows, predict);
}

/** The largest difference to what the model predicts for the rows that are kept here; an error if it is too large. */
export function selfTest() {
  const { columns, outputs, units } = vectors();
  let largest = 0;
  columns[0].forEach((_, row) => {
    columns.forEach((values, index) => [].concat(values[row]).forEach((value, j) => (raw[index][j] = value)));
    compute();
    OUTPUTS.forEach(({ name, kind }, index) => {
      results[index].forEach((value, j) => {
        const expected = outputs[index][row][j];
        if (expected === -1 && kind.startsWith("label")) return; // two labels are as good as equal
        const off = Math.abs(value - expected) / (kind === "numbers" ? units[name][j] + Math.abs(expected) : 1);
        if (!(off <= TOLERANCE) && !Object.is(value, expected)) {
          throw new Error(`self-test: row ${row}, ${name}: got ${value}; the model predicts ${expected}.`);
        }
        if (off > largest) largest = off;
      });
    });
  });
  return largest;
}

/** The records of a CSV file (RFC 4180), arrays of text. */
function records(text) {
  const found = [[]];
  const cell = /("([^"]*(?:""[^"]*)*)"|[^",\r\n]*)(,|\r\n|\n|\r|$)/y;
  text = text.replace(/^\ufeff/, "");
  while (cell.lastIndex < text.length) {
    const start = cell.lastIndex;
    const match = cell.exec(text);
    if (!match) throw new SyntaxError(`this is no CSV, at character ${start}.`);
    found.at(-1).push(match[2] === undefined ? match[1] : match[2].replaceAll('""', '"'));
    if (match[3] === "," && cell.lastIndex === text.length) found.at(-1).push("");
    else if (match[3] !== "," && cell.lastIndex < text.length) found.push([]);
  }
  return found.filter((cells) => cells.length > 1 || cells[0]);
}

function rowsOf(text) {
  const [header = [], ...rest] = records(text);
  const arrays = COLUMNS.filter(({ kind }) => kind === "vector");
  return rest.map((cells, index) => {
    if (cells.length !== header.length) {
      throw new SyntaxError(`record ${index + 1} has ${cells.length} values; the header has ${header.length}.`);
    }
    const row = Object.fromEntries(header.map((name, j) => [name, cells[j]]));
    for (const { name, size } of arrays) row[name] = Array.from({ length: size }, (_, j) => cell(row, `${name}[${j}]`));
    return row;
  });
}

function heading(name, kind, label) {
  if (kind === "label") return name;
  if (kind === "probabilities") return `probability of ${label}`;
  return LABELS.length === 1 ? name : `${name} of ${label}`;
}

function csv(values) {
  const cells = values.map((value) => (/[",\r\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : value));
  return `${cells.join(",")}\n`;
}

async function main(words) {
  if (words.length !== 1) throw new Error(USAGE);
  if (words[0] === "--self-test") {
    const largest = selfTest();
    process.stdout.write(`largest difference on ${vectors().columns[0].length} rows: ${largest.toPrecision(3)}\n`);
    return;
  }
  const { readFileSync } = await import("node:fs");
  const rows = rowsOf(readFileSync(words[0], "utf-8"));
  const lines = rows.map((row) => {
    const found = predict(row);
    return csv(OUTPUTS.flatMap(({ name }) => found[name]));
  });
  const names = OUTPUTS.flatMap(({ name, kind }) =>
    (kind === "label" ? [""] : LABELS).map((label) => heading(name, kind, label)),
  );
  process.stdout.write(csv(names) + lines.join(""));
}

/** Runs the program if it is one, not imported by another. */
async function start() {
  if (!globalThis.process?.versions?.node || !process.argv[1]) return;
  const [{ realpathSync }, { fileURLToPath }] = await Promise.all([import("node:fs"), import("node:url")]);
  try {
    if (realpathSync(process.argv[1]) !== realpathSync(fileURLToPath(import.meta.url))) return;
  } catch {
    return; // it is not in a file
  }
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
