// The blocks of data, as html/pack.py and html/data.py write them.
const at = (id) => document.getElementById(id);
const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

const binary = (base64) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
const hexadecimal = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

const read = async (block) => {
  if (block.type === "application/json") return JSON.parse(block.textContent);
  const inflated = new Blob([binary(block.textContent)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(inflated).json();
};

// A table as a function from row and column to a value; `value.length` is its number of rows as `size`.
const table = ({n, of}, texts) => {
  const read = (value) => Array.isArray(value) ? value.map(read) : texts[value];
  const columns = {};
  for (const [name, column] of Object.entries(of)) {
    if (column.h !== undefined) {
      const bytes = binary(column.h);
      columns[name] = (row) => hexadecimal(bytes.subarray(row * 32, row * 32 + 32));
    } else {
      const places = column.at && new Map(column.at.map((row, place) => [row, place]));
      const text = column.s ? read : (value) => value;
      const none = column.s ? "" : 0;
      columns[name] = places
        ? (row) => places.has(row) ? text(column.v[places.get(row)]) : none
        : (row) => text(column.v[row]);
    }
  }
  const value = (row, name) => columns[name](row);
  value.size = n;
  value.row = (row) => Object.fromEntries(Object.keys(columns).map((name) => [name, columns[name](row)]));
  value.column = (name) => Array.from({length: n}, (_, row) => columns[name](row));
  // The row of a sum, by its bytes: nothing is decoded but what is asked for.
  value.find = (name, sum) => {
    const column = of[name];
    if (!column || column.h === undefined || !/^[0-9a-f]{64}$/.test(sum)) {
      return column ? value.column(name).indexOf(sum) : -1;
    }
    const bytes = binary(column.h);
    const wanted = sum.match(/../g).map((digits) => parseInt(digits, 16));
    for (let row = 0; row < n; row += 1) {
      let same = 0;
      while (same < 32 && bytes[row * 32 + same] === wanted[same]) same += 1;
      if (same === 32) return row;
    }
    return -1;
  };
  return value;
};
