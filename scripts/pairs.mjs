// Pairs of vectors, of which V8 makes 256-bit instructions: a transform for asc that puts two v128 in place of each Pair of
// assembly/simd.ts, which up to here is an f64. So a kernel is written once, and all that is read for a pair comes before what is
// written of it, which V8 asks for.
import binaryen from "assemblyscript/binaryen";

/** Functions that simd.ts declares: the first and the second vector of a pair, and a pair of two vectors. */
const [LOW, HIGH, BOTH] = ["low", "high", "both"].map((name) => `assembly/simd/${name}`);

/** What asc calls with a module before it optimizes it. */
export const pairs = {
  afterCompile(module) {
    const functions = module
      .emitText()
      .split(/^ \(func \$/m)
      .slice(1);
    const split = functions.filter(
      (text) => text.includes(`(call $${BOTH}`) || text.includes(`(call $${LOW}`),
    );
    for (const text of split) splitPairs(module, /^[^\s)]+/.exec(text)[0]);
    for (const name of [LOW, HIGH, BOTH]) module.removeFunction(name);
  },
};

/** Puts two vectors in place of each f64 that a function has. */
function splitPairs(module, name) {
  module.runPassesOnFunction(name, ["flatten"]);
  const { params, results, vars, body } = binaryen.getFunctionInfo(module.getFunction(name));
  const types = [...binaryen.expandType(params), ...vars];
  const refuse = (what) => {
    throw new Error(
      `${name}: ${what}: pairs are kept in local variables alone, so whatever takes or returns one is @inline`,
    );
  };
  if ([...binaryen.expandType(params), results].includes(binaryen.f64)) refuse("takes or returns a pair");
  const isPair = (local) => types[local] === binaryen.f64;
  // The first vector has the pair's own local, the second one behind all others.
  const seconds = new Map();
  for (const [local] of types.entries()) if (isPair(local)) seconds.set(local, types.length + seconds.size);
  const get = (local) => module.local.get(local, binaryen.v128);
  const zero = () => module.v128.const(new Uint8Array(16));

  const infoOf = (expression, ...ids) =>
    ids.includes(binaryen.getExpressionId(expression)) ? binaryen.getExpressionInfo(expression) : undefined;
  /** The two vectors that a value is made of. */
  const halves = (value) => {
    const info = infoOf(value, binaryen.LocalGetId, binaryen.CallId, binaryen.ConstId);
    if (info?.id === binaryen.LocalGetId) return [get(info.index), get(seconds.get(info.index))];
    if (info?.id === binaryen.ConstId) return [zero(), zero()];
    if (info?.target === BOTH) return info.operands;
    return refuse("makes a pair by what is no operation on pairs");
  };
  /** What a statement becomes. */
  const lower = (statement) => {
    const { Block, Loop, If, LocalSet, Drop } = binaryen;
    const id = binaryen.getExpressionId(statement);
    if (id === binaryen.BlockId) {
      for (let i = 0; i < Block.getNumChildren(statement); i++)
        Block.setChildAt(statement, i, lower(Block.getChildAt(statement, i)));
    } else if (id === binaryen.LoopId) Loop.setBody(statement, lower(Loop.getBody(statement)));
    else if (id === binaryen.IfId) {
      If.setIfTrue(statement, lower(If.getIfTrue(statement)));
      const other = If.getIfFalse(statement);
      if (other) If.setIfFalse(statement, lower(other));
    } else if (id === binaryen.LocalSetId) {
      const [local, value] = [LocalSet.getIndex(statement), LocalSet.getValue(statement)];
      if (isPair(local)) {
        const [first, second] = halves(value);
        return module.block(null, [
          module.local.set(local, first),
          module.local.set(seconds.get(local), second),
        ]);
      }
      const call = infoOf(value, binaryen.CallId);
      if (call?.target === LOW || call?.target === HIGH) {
        const [first, second] = halves(call.operands[0]);
        LocalSet.setValue(statement, call.target === LOW ? first : second);
      }
    } else if (
      id === binaryen.DropId &&
      binaryen.getExpressionType(Drop.getValue(statement)) === binaryen.f64
    )
      return module.nop();
    return statement;
  };
  const lowered = lower(body);
  module.removeFunction(name);
  const own = vars.map((type) => (type === binaryen.f64 ? binaryen.v128 : type));
  const behind = [...seconds].map(() => binaryen.v128);
  module.addFunction(name, params, results, [...own, ...behind], lowered);
}
