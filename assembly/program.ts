import { dispatch } from "./dispatch";

/** One kernel call of a program. */
// @host
@unmanaged
export class Call {
  kernel: i32; // id, see dispatch.ts
  args: usize; // its argument struct
  tasks: i32; // independent pieces 0 .. tasks - 1, in any order, on any thread
  unused: i32;
}

/** Runs calls first .. last - 1 of a program on this thread; scratch is this thread's own. */
export function run(program: usize, first: i32, last: i32, scratch: usize): void {
  for (let i = first; i < last; i++) {
    const call = changetype<Call>(program + <usize>i * offsetof<Call>());
    const tasks = call.tasks;
    for (let task = 0; task < tasks; task++) dispatch(call.kernel, call.args, task, scratch);
  }
}
