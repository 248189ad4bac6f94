import { announcement, dismiss, notices } from "../state/notices.ts";
import { Button } from "../ui/controls.tsx";

/** Faults and notes, each until it is closed; and what screen readers say. */
export function Notices() {
  return (
    <>
      <div class="visually-hidden" role="status" aria-live="polite" id="announcement">
        {announcement.value}
      </div>
      <div class="notices" id="notices">
        {notices.value.map(({ about, text, kind, actions, details }) => (
          <div key={about} class={`notice ${kind}`} role={kind === "fault" ? "alert" : "status"}>
            <div class="notice-body">
              <p>{text}</p>
              {actions && (
                <div class="actions">
                  {actions.map(({ label, run }) => (
                    <Button key={label} onClick={run}>
                      {label}
                    </Button>
                  ))}
                </div>
              )}
              {details && (
                <details>
                  <summary>Details</summary>
                  <p>{details}</p>
                </details>
              )}
            </div>
            <Button icon="close" iconOnly kind="quiet" onClick={() => dismiss(about)}>
              Close this message
            </Button>
          </div>
        ))}
      </div>
    </>
  );
}
