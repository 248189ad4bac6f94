// Turns AssemblyScript's integer expressions into JavaScript's: + - * /, calls, casts. Numbers are taken to stay below 2^53, as
// what they count fits into memory; shifts and masks would cut them to 32 bits, so there are none.

/** The JavaScript of an expression. Throws on what it cannot turn. `known`: names that it may use. */
export function hostExpression(text, known) {
  const tokens = text.replace(/<(?:usize|[iu]32)>/g, "").match(/\w+|\S/g) ?? [];
  let at = 0;
  const fail = () => {
    throw new Error(`cannot turn '${text}' into JavaScript at '${tokens[at] ?? "its end"}'`);
  };
  const take = (token) => {
    if (tokens[at] !== token) fail();
    at++;
  };
  // Each gives its text and how tightly that binds: 1 a sum, 2 a product, 3 all else. Parentheses are written where needed.
  const within = ([text, binds], least) => (binds < least ? `(${text})` : text);
  function primary() {
    const token = tokens[at] ?? fail();
    if (token === "(") {
      at++;
      const inside = sum();
      take(")");
      return inside;
    }
    if (/^\d+$/.test(token)) return [tokens[at++], 3];
    if (!known.has(token)) fail();
    at++;
    if (tokens[at] !== "(") return [token, 3];
    at++;
    const args = [sum()];
    for (; tokens[at] === ","; args.push(sum())) at++;
    take(")");
    return [`${token}(${args.map(([arg]) => arg).join(", ")})`, 3];
  }
  function product() {
    let left = primary();
    while (tokens[at] === "*" || tokens[at] === "/") {
      const divides = tokens[at++] === "/";
      const text = `${within(left, 2)} ${divides ? "/" : "*"} ${within(primary(), 3)}`;
      left = divides ? [`Math.floor(${text})`, 3] : [text, 2];
    }
    return left;
  }
  function sum() {
    let left = product();
    while (tokens[at] === "+" || tokens[at] === "-")
      left = [`${within(left, 1)} ${tokens[at++]} ${within(product(), 2)}`, 1];
    return left;
  }
  const [turned] = sum();
  if (at < tokens.length) fail();
  return turned;
}
