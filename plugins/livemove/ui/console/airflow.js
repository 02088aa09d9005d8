// What only Airflow knows: which tasks are at work this moment. Asked with the reader's own session; the page is whole without it.

// relative: Airflow may be served below a path of a proxy
const API = "../api/v2";
const WAITING = ["running", "deferred", "awaiting_input", "queued", "up_for_retry", "failed"];
export const NOTHING = { tasks: [], moving: false, asks: null, says: "" };

const base = new URL("..", location.href).pathname.replace(/\/$/, "");
export const links = {
  task: (dag, run, task, tail = "") => `${base}/dags/${encodeURIComponent(dag)}/runs/${encodeURIComponent(run)}/tasks/${encodeURIComponent(task)}${tail}`,
  follow,
};

/* Airflow's frame around this page does not let it lead the window elsewhere; a link of Airflow's own document may. */
function follow(event) {
  if (window.parent === window || event.ctrlKey || event.metaKey || event.shiftKey) return;
  try {
    const link = window.parent.document.createElement("a");
    link.href = event.currentTarget.href;
    window.parent.document.body.append(link);
    link.click();
    link.remove();
    event.preventDefault();
  } catch { /* framed by somebody else: the browser decides */ }
}

/* {tasks: [{name, state, since}], moving, asks: is the question's task really waiting (null: not known), says} */
export async function live(service, run, question) {
  try {
    // before its first task has ended, only Airflow knows that there is a run
    const of = question ?? run ?? (await newest(`migrate_${service}`));
    if (!of) return NOTHING;
    const found = await instances(of.dag_id, of.run_id);
    const tasks = found.map((t) => ({ name: name(t), id: t.task_id, state: t.state, since: t.start_date }));
    const writes = tasks.find((t) => ["repoint.switchover", "rollback.writes", "promote"].includes(t.id) && t.state === "running");
    const asks = question ? tasks.some((t) => t.id === question.task_id && t.state === "awaiting_input") : null;
    return { tasks: tasks.filter((t) => t.state !== "awaiting_input"), moving: Boolean(writes), asks, says: "" };
  } catch (e) {
    return { ...NOTHING, says: `Airflow does not tell which tasks are at work: ${e.message}` };
  }
}

function name(t) {
  return t.rendered_map_index ? `${t.task_display_name} · ${t.rendered_map_index}` : t.task_display_name;
}

const ask = async (path) => {
  const answer = await fetch(`${API}/${path}`);
  if (!answer.ok) throw new Error(`it answers ${answer.status}`);
  return answer.json();
};

async function newest(dag) {
  const [found] = (await ask(`dags/${encodeURIComponent(dag)}/dagRuns?limit=1&order_by=-run_after`)).dag_runs;
  return found && { dag_id: dag, run_id: found.dag_run_id };
}

async function instances(dag, run) {
  const states = WAITING.map((s) => `state=${s}`).join("&");
  return (await ask(`dags/${encodeURIComponent(dag)}/dagRuns/${encodeURIComponent(run)}/taskInstances?limit=30&${states}`)).task_instances;
}
