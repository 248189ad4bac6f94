import { useLayoutEffect, useRef } from "preact/hooks";
import { Button } from "../../ui/controls.tsx";
import type { IconName } from "../../ui/icons.tsx";

interface ChooseFilesProps {
  readonly id: string;
  readonly icon: IconName;
  /** What is chosen, for screen readers. */
  readonly label: string;
  readonly accept?: string;
  /** A whole folder, with those in it. */
  readonly folder?: boolean;
  readonly disabled?: boolean;
  readonly take: (files: readonly File[]) => void;
  readonly children: string;
}

/** A button that lets the visitor choose files. */
export function ChooseFiles({ id, icon, label, accept, folder, disabled, take, children }: ChooseFilesProps) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    input.current!.webkitdirectory = folder ?? false;
  }, [folder]);
  return (
    <span class="choose-files">
      <Button icon={icon} disabled={disabled ?? false} onClick={() => input.current?.click()}>
        {children}
      </Button>
      <input
        ref={input}
        id={id}
        class="visually-hidden"
        type="file"
        accept={accept}
        multiple
        tabIndex={-1}
        aria-label={label}
        onChange={(event) => {
          const { currentTarget } = event;
          take([...(currentTarget.files ?? [])]);
          currentTarget.value = "";
        }}
      />
    </span>
  );
}
