import type { ClassFigures } from "../../report/metrics.ts";
import { subject } from "../state/subject.ts";
import { testResult } from "../state/test.ts";
import { count, percent } from "../ui/format.ts";
import { Panel, Scroll } from "../ui/panel.tsx";

/** Precision, recall and F1 of each class. */
export function ClassTable() {
  const { classes, macro } = testResult.value!.classes;
  const names = subject.value?.classNames ?? [];
  return (
    <Panel
      id="classes"
      heading="Figures by class"
      lead="Precision: of the images given this class, the share that are of it. Recall: of the images of this class, the share given it. F1: their harmonic mean."
    >
      <Scroll label="Figures by class">
        <table class="figures-table classes-table">
          <caption class="visually-hidden">Figures of each class on the test images</caption>
          <thead>
            <tr>
              {["Class", "Precision", "Recall", "F1", "Images"].map((name, i) => (
                <th key={name} scope="col" class={i > 0 ? "number" : undefined}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {classes.map((figures, id) => (
              <tr key={id}>
                <th scope="row">{names[id]}</th>
                <Numbers figures={figures} />
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">Mean</th>
              <Numbers figures={macro} />
            </tr>
          </tfoot>
        </table>
      </Scroll>
    </Panel>
  );
}

function Numbers({ figures: { precision, recall, f1, support } }: { figures: ClassFigures }) {
  return (
    <>
      {[precision, recall, f1].map((figure, i) => (
        <td key={i} class="number">
          {percent(figure)}
        </td>
      ))}
      <td class="number">{count(support)}</td>
    </>
  );
}
