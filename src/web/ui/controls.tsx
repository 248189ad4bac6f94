import type { ComponentChildren } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { Icon, type IconName } from "./icons.tsx";

interface ButtonProps {
  readonly id?: string;
  readonly icon?: IconName;
  /** Named by its icon alone: the text is for screen readers and the tooltip. */
  readonly iconOnly?: boolean;
  readonly kind?: "primary" | "quiet";
  readonly disabled?: boolean;
  readonly onClick: () => void;
  readonly children: string;
}

export function Button({ id, icon, iconOnly, kind, disabled, onClick, children }: ButtonProps) {
  return (
    <button
      type="button"
      id={id}
      class={`button${kind ? ` ${kind}` : ""}${iconOnly ? " icon-only" : ""}`}
      disabled={disabled}
      onClick={onClick}
      {...(iconOnly && { "aria-label": children, title: children })}
    >
      {icon && <Icon name={icon} />}
      {!iconOnly && <span>{children}</span>}
    </button>
  );
}

/** Focuses the first that there is, once what was changed is shown: who works by the keyboard is not thrown back to the page's beginning. */
export function focusSoon(...selectors: readonly string[]): void {
  setTimeout(() => {
    const found = selectors.map((selector) => document.querySelector<HTMLElement>(selector));
    found.find((element) => element !== null)?.focus();
  });
}

interface FieldProps {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly problem?: string | undefined;
  readonly children: (ids: {
    readonly id: string;
    readonly "aria-describedby": string | undefined;
    readonly "aria-invalid": boolean;
  }) => ComponentChildren;
}

/** A label, a control, and below it a hint or what is wrong. */
export function Field({ label, hint, problem, children }: FieldProps) {
  const id = useId();
  const note = problem ?? hint;
  return (
    <div class={`field${problem ? " invalid" : ""}`}>
      <label for={id}>{label}</label>
      {children({
        id,
        "aria-describedby": note ? `${id}-note` : undefined,
        "aria-invalid": problem !== undefined,
      })}
      {note && (
        <p class="note" id={`${id}-note`}>
          {note}
        </p>
      )}
    </div>
  );
}

interface TextInputProps {
  readonly label: string;
  readonly name: string;
  /** What the field shows; it may be edited into something that is no value. */
  readonly text: string;
  readonly placeholder?: string;
  readonly hint?: ComponentChildren;
  readonly problem?: string | undefined;
  readonly whole?: boolean;
  /** Told on every change. */
  readonly onText: (text: string) => void;
}

/** A number as text, so that nothing is lost while it is typed. */
export function NumberInput(props: TextInputProps) {
  const { label, name, text, placeholder, hint, problem, whole, onText } = props;
  const [typed, setTyped] = useState(text);
  const [focused, setFocused] = useState(false);
  // What another part of the page changes is shown; what is being typed is not touched.
  useEffect(() => {
    if (!focused) setTyped(text);
  }, [text, focused]);
  return (
    <Field label={label} hint={hint} problem={problem}>
      {(ids) => (
        <input
          {...ids}
          name={name}
          type="text"
          inputMode={whole ? "numeric" : "decimal"}
          autocomplete="off"
          spellcheck={false}
          value={typed}
          placeholder={placeholder}
          onFocus={() => setFocused(true)}
          onBlur={() => setFocused(false)}
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            onText(event.currentTarget.value);
          }}
        />
      )}
    </Field>
  );
}

type Choice = readonly [value: string, text: string];

interface SelectProps {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  /** Choices, or groups of them. */
  readonly choices: readonly (Choice | readonly [group: string, choices: readonly Choice[]])[];
  readonly hint?: ComponentChildren;
  readonly problem?: string | undefined;
  readonly onChange: (value: string) => void;
}

export function Select({ label, name, value, choices, hint, problem, onChange }: SelectProps) {
  const option = ([choice, text]: Choice) => (
    <option key={choice} value={choice} selected={choice === value}>
      {text}
    </option>
  );
  return (
    <Field label={label} hint={hint} problem={problem}>
      {(ids) => (
        <select {...ids} name={name} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          {choices.map(([first, rest]) =>
            typeof rest === "string" ? (
              option([first, rest])
            ) : (
              <optgroup key={first} label={first}>
                {rest.map(option)}
              </optgroup>
            ),
          )}
        </select>
      )}
    </Field>
  );
}

interface CheckProps {
  readonly label: string;
  readonly name: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}

export function Check({ label, name, checked, onChange }: CheckProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        class="check-box"
        name={name}
        checked={checked}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span>{label}</span>
    </label>
  );
}

/** Text as a number: undefined where it is empty, NaN where it is none. */
export function parseNumber(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  return /^\d*\.?\d+(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : Number.NaN;
}
