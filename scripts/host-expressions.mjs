// Turns AssemblyScript's expressions of whole numbers and conditions into JavaScript's: arithmetic, comparisons, a ? b : c,
// calls, casts. Numbers are taken to stay below 2^53, as what they count fits into memory; shifts and masks would cut them to
// 32 bits, so there are none.

/** Operators of two sides, by how tightly they bind: loosest first. */
const LEVELS = [["||"], ["&&"], ["==", "!="], ["<", "<=", ">", ">="], ["+", "-"], ["*", "/", "%"]];
const SUM = LEVELS.length - 1;
/** What binds tightest: names, numbers, calls. */
const TIGHT = LEVELS.length + 1;
const OPERATORS = { "==": "===", "!=": "!==" };
/** AssemblyScript's own functions. */
const BUILT_IN = { min: "Math.min", max: "Math.max" };

/** a, where what is divided by b is a + b - 1: the quotient is a / b rounded up. */
function roundedUp([text, binds], b) {
  const more = /^\d+$/.test(b) ? `+ ${b - 1}` : `+ ${b} - 1`;
  if (binds !== SUM || !text.endsWith(` ${more}`)) return undefined;
  const a = text.slice(0, -more.length - 1);
  return [a, /^\w+$/.test(a) ? TIGHT : SUM];
}

/**
 * The JavaScript of an expression. Throws on what it cannot turn. `known`: names that it may use.
 * @param {string} text
 * @param {ReadonlySet<string>} known
 */
export function hostExpression(text, known) {
  const tokens = text.replace(/<(?:usize|[iu]32)>/g, "").match(/\w+|[=!<>]=|&&|\|\||\S/g) ?? [];
  let at = 0;
  const fail = () => {
    throw new Error(`cannot turn '${text}' into JavaScript at '${tokens[at] ?? "its end"}'`);
  };
  const take = (token) => {
    if (tokens[at] !== token) fail();
    at++;
  };
  // Each gives its text and how tightly that binds. Parentheses are written where needed.
  const within = ([text, binds], least) => (binds < least ? `(${text})` : text);
  function primary() {
    const token = tokens[at] ?? fail();
    if (token === "(") {
      at++;
      const inside = choice();
      take(")");
      return inside;
    }
    if (/^\d+$/.test(token)) return [tokens[at++], TIGHT];
    const called = tokens[at + 1] === "(";
    const name = known.has(token)
      ? token
      : called && Object.hasOwn(BUILT_IN, token)
        ? BUILT_IN[token]
        : fail();
    at++;
    if (!called) return [name, TIGHT];
    at++;
    const args = [choice()];
    for (; tokens[at] === ","; args.push(choice())) at++;
    take(")");
    return [`${name}(${args.map(([arg]) => arg).join(", ")})`, TIGHT];
  }
  /** Operators of one level and all that bind tighter, from the left. */
  function chain(level) {
    if (level > LEVELS.length) return primary();
    let left = chain(level + 1);
    let before = "";
    while (LEVELS[level - 1].includes(tokens[at])) {
      const operator = tokens[at++];
      // What a sum or a product begins with may be one, too; else who reads it may be mistaken, as of % beside *.
      const same = level >= SUM && operator !== "%" && operator !== "/" && before !== "%";
      const right = within(chain(level + 1), operator === "||" ? level + 2 : level + 1);
      const up = operator === "/" ? roundedUp(left, right) : undefined;
      // && after && needs none, nor || after ||.
      const alike = operator === before && level < 3;
      const first = alike ? left[0] : within(up ?? left, same ? level : level + 1);
      const shown = `${first} ${OPERATORS[operator] ?? operator} ${right}`;
      // Whole numbers divide to whole ones.
      left = operator === "/" ? [`Math.${up ? "ceil" : "floor"}(${shown})`, TIGHT] : [shown, level];
      before = operator;
    }
    return left;
  }
  function choice() {
    const condition = chain(1);
    if (tokens[at] !== "?") return condition;
    at++;
    const yes = choice();
    take(":");
    return [`${within(condition, 1)} ? ${within(yes, 1)} : ${within(choice(), 0)}`, 0];
  }
  const [turned] = choice();
  if (at < tokens.length) fail();
  return turned;
}
