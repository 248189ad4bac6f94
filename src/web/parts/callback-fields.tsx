import {
  CALLBACK_TYPES,
  type NamedOptions,
  type NamedType,
  SCHEDULE_TYPES,
  scheduleStart,
  THEN,
} from "../state/callbacks.ts";
import { DEFAULT_RATE } from "../state/settings.ts";
import { change, settings, stepsOfRun } from "../state/setup.ts";
import { Check, Select } from "../ui/controls.tsx";
import { count } from "../ui/format.ts";
import { Folded, OptionFields } from "./option-fields.tsx";

/** What each does, for people who do not know its name. */
const IN_WORDS: Readonly<Record<string, string>> = {
  earlyStopping: "Stop early, when nothing has become better for some epochs",
  reduceLROnPlateau: "Lower the learning rate when nothing becomes better",
  terminateOnNaN: "End the training where the loss is no number any more",
};

/** Callbacks: a box each, and the options of those that are chosen. */
export function CallbackFields() {
  const { callbacks } = settings.value;
  return (
    <>
      {Object.entries(CALLBACK_TYPES).map(([name, type]) => {
        const given = callbacks.find((callback) => callback.name === name);
        return (
          <div class="callback" key={name}>
            <Check
              label={IN_WORDS[name] ?? type.label}
              name={name}
              checked={given !== undefined}
              onChange={(chosen) =>
                change({
                  callbacks: chosen
                    ? [...callbacks, { name }]
                    : callbacks.filter((callback) => callback.name !== name),
                })
              }
            />
            {given && (
              <NamedFields
                type={type}
                given={given}
                onChange={(next) =>
                  change({ callbacks: callbacks.map((callback) => (callback === given ? next : callback)) })
                }
              />
            )}
          </div>
        );
      })}
    </>
  );
}

const CONSTANT = "";

/** The rate over time, and the options of the way that is chosen. */
export function ScheduleFields() {
  const { schedule, learningRate, optimizer, epochs } = settings.value;
  const rate = learningRate ?? DEFAULT_RATE[optimizer];
  const steps = stepsOfRun.value;
  const start = (name: string) => scheduleStart(name, rate, steps ?? 1000, epochs);
  return (
    <>
      <Select
        label="Learning rate over time"
        name="schedule"
        value={schedule?.name ?? CONSTANT}
        choices={[[CONSTANT, "the same throughout"], ...choices]}
        hint={schedule && steps !== undefined && `the run has ${count(steps)} steps`}
        onChange={(name) => change({ schedule: name === CONSTANT ? undefined : start(name) })}
      />
      {schedule && (
        <Stage schedule={schedule} start={start} onChange={(next) => change({ schedule: next })} />
      )}
    </>
  );
}

const choices = Object.entries(SCHEDULE_TYPES).map(([name, { label }]): [string, string] => [name, label]);

interface StageProps {
  readonly schedule: NamedOptions;
  readonly start: (name: string) => NamedOptions;
  readonly onChange: (schedule: NamedOptions) => void;
}

/** A schedule, and the one that follows it, where one can. */
function Stage({ schedule, start, onChange }: StageProps) {
  const type = SCHEDULE_TYPES[schedule.name]!;
  const then = schedule[THEN];
  const follows = type.options.some(({ key }) => key === THEN);
  const next = typeof then === "object" && then !== null ? (then as NamedOptions) : undefined;
  return (
    <div class="callback">
      <NamedFields type={type} given={schedule} without={next && THEN} onChange={onChange} />
      {follows && (
        <Select
          label="And then"
          name="schedule-then"
          value={next?.name ?? CONSTANT}
          choices={[[CONSTANT, "the same from there on"], ...choices]}
          onChange={(name) =>
            onChange({ ...schedule, [THEN]: name === CONSTANT ? start(schedule.name)[THEN] : start(name) })
          }
        />
      )}
      {next && (
        <Stage
          schedule={next}
          start={start}
          onChange={(changed) => onChange({ ...schedule, [THEN]: changed })}
        />
      )}
    </div>
  );
}

interface NamedProps {
  readonly type: NamedType;
  readonly given: NamedOptions;
  readonly without?: string | undefined;
  readonly onChange: (given: NamedOptions) => void;
}

function NamedFields({ type, given, without, onChange }: NamedProps) {
  const set = (key: string, value: unknown) => {
    const { [key]: _, ...others } = given;
    onChange((value === undefined ? others : { ...given, [key]: value }) as NamedOptions);
  };
  const options = type.options.filter(({ key }) => key !== without);
  const rare = options.filter((option) => option.rare);
  return (
    <div class="callback-body">
      <OptionFields
        of={given.name}
        options={options.filter((option) => !option.rare)}
        values={given}
        set={set}
      />
      {rare.length > 0 && (
        <Folded title="More" open={rare.some(({ key }) => given[key] !== undefined)}>
          <OptionFields of={given.name} options={rare} values={given} set={set} />
        </Folded>
      )}
    </div>
  );
}
