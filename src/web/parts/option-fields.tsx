import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type LayerOption, optionProblem, optionText, parseOption } from "../state/layers.ts";
import { Check, NumberInput, Select } from "../ui/controls.tsx";

interface FieldsProps {
  /** Whose options they are: fields of another begin anew. */
  readonly of: string | number;
  readonly options: readonly LayerOption[];
  readonly values: Readonly<Record<string, unknown>>;
  /** Undefined: leave the option out, so that it takes its default. */
  readonly set: (key: string, value: unknown) => void;
}

/** A field for each option, side by side. */
export function OptionFields({ of, options, values, set }: FieldsProps) {
  if (options.length === 0) return null;
  return (
    <div class="fields">
      {options.map((option) => (
        <OptionField
          key={`${of} ${option.key}`}
          option={option}
          value={values[option.key]}
          set={(value) => set(option.key, value)}
        />
      ))}
    </div>
  );
}

/** What is open at first only where something in it was changed. */
export function Folded({
  open,
  title = "Advanced",
  children,
}: {
  readonly open: boolean;
  readonly title?: string;
  readonly children: ComponentChildren;
}) {
  const [unfolded, setUnfolded] = useState(open);
  return (
    <details class="advanced" open={unfolded} onToggle={(event) => setUnfolded(event.currentTarget.open)}>
      <summary>{title}</summary>
      <div class="advanced-body">{children}</div>
    </details>
  );
}

interface OptionProps {
  readonly option: LayerOption;
  readonly value: unknown;
  /** Undefined: leave the option out, so that it takes its default. */
  readonly set: (value: unknown) => void;
}

function OptionField({ option, value, set }: OptionProps) {
  const { key, label } = option;
  const shown = value ?? option.default;
  const give = (next: unknown) =>
    set(option.default !== undefined && next === option.default ? undefined : next);
  if (option.kind === "flag")
    return <Check label={label} name={key} checked={shown === true} onChange={give} />;
  if (option.kind === "choice")
    return (
      <Select
        label={label}
        name={key}
        value={optionText(shown)}
        choices={[...new Set([...option.choices, optionText(shown)])].map((choice) => [choice, choice])}
        onChange={(text) => give(parseOption(option, text))}
      />
    );
  return (
    <NumberInput
      label={label}
      name={key}
      whole={option.kind === "count"}
      text={optionText(shown)}
      problem={optionProblem(option, value)}
      onText={(text) => give(parseOption(option, text))}
    />
  );
}
