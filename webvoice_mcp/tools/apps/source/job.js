// A job that goes on: its progress until it ends, asked of the server.

import { fieldsOf, textOf } from "./results.js";

const WAIT_SECONDS = 5;
const MAX_FAILURES = 5; // of the host, in a row

/**
 * Follow a job and return how it ended: {result} or {failure}.
 *
 * @param onProgress is called with the job as webvoice_jobs describes it
 */
export async function followJob(host, id, { onProgress, signal }) {
  for (let failures = 0; ; ) {
    await visible();
    let answer;
    try {
      answer = await host.callTool("webvoice_jobs", { job_id: id, wait_seconds: WAIT_SECONDS });
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures === MAX_FAILURES) return { failure: `${error.message} Ask in the chat for the job ${id}.` };
      await pause(1000 * failures);
      continue;
    } finally {
      signal.throwIfAborted();
    }
    if (answer.isError) return { failure: textOf(answer) };
    const job = fieldsOf(answer).jobs?.[0];
    if (!job) return { failure: `The server said nothing about the job ${id}. Ask for it in the chat.` };
    if (job.error) return { failure: `${job.error.code}: ${job.error.message}` };
    if (["failed", "interrupted"].includes(job.state)) return { failure: `The job ${id} is ${job.state}.` };
    if (job.state !== "running" && job.state !== "submitted") return { result: job.result ?? {} };
    onProgress(job);
    await pause(300); // if the server does not wait
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Wait until somebody can see the page. */
function visible() {
  return new Promise((resolve) => {
    const check = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", check);
      resolve();
    };
    document.addEventListener("visibilitychange", check);
    check();
  });
}
