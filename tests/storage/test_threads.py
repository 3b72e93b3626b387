import threading

import anyio
import anyio.to_thread

from webvoice_mcp.storage.threads import WorkerThreads


async def test_functions_run_in_a_limited_number_of_threads_of_their_own() -> None:
    default_limiter = anyio.to_thread.current_default_thread_limiter()
    threads = WorkerThreads(2)
    both_running = threading.Barrier(2, timeout=60)
    running: list[int] = []
    counts: list[int] = []
    default_counts: list[int] = []

    def work(number: int, *, factor: int) -> int:
        running.append(number)
        both_running.wait()
        counts.append(len(running))
        default_counts.append(default_limiter.borrowed_tokens)
        both_running.wait()
        running.remove(number)
        return number * factor

    results: list[int] = []

    async def run(number: int) -> None:
        results.append(await threads.run(work, number, factor=10))

    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(run, number)

    assert sorted(results) == [0, 10, 20, 30]
    assert max(counts) <= 2
    assert default_counts == [0] * 4
