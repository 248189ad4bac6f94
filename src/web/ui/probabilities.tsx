import { percent } from "./format.ts";

interface Props {
  /** One output a class, or a single one, the probability of class 1. Undefined: nothing is known. */
  readonly outputs: Float32Array | undefined;
  readonly names: readonly string[];
  /** The right class, where it is known. */
  readonly truth?: number;
}

/** The probability of each class as a bar. */
export function Probabilities({ outputs, names, truth }: Props) {
  const shares = !outputs || outputs.length > 1 ? outputs : Float32Array.of(1 - outputs[0]!, outputs[0]!);
  const best = shares ? shares.indexOf(Math.max(...shares)) : -1;
  return (
    <ol class="probabilities">
      {names.map((name, id) => {
        const share = shares?.[id];
        return (
          <li key={id} class={`probability${id === best ? " best" : ""}${id === truth ? " truth" : ""}`}>
            <span class="class-name">{name}</span>
            <span class="bar" aria-hidden="true">
              <i style={{ width: `${100 * (share ?? 0)}%` }} />
            </span>
            <span class="share">{percent(share)}</span>
          </li>
        );
      })}
    </ol>
  );
}
