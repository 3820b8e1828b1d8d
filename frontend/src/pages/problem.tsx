/// Pages for what is not there and for what broke.
import { type ErrorComponentProps, Link, useRouter } from "@tanstack/react-router";

import { buttonClass } from "@/ui/button";
import { Broken, Empty } from "@/ui/parts";

export function NotFoundPage() {
  return (
    <div className="mx-auto max-w-lg py-16">
      <h1 className="sr-only">Not found</h1>
      <Empty
        title="There is no such page"
        action={
          <Link to="/" className={buttonClass("primary")}>
            Go to the dashboard
          </Link>
        }
      >
        The address may be mistyped, or what it showed is gone.
      </Empty>
    </div>
  );
}

/** Where even the frame could not be drawn, as when the server is away. */
export function WholeErrorPage(props: ErrorComponentProps) {
  return (
    <main>
      <ErrorPage {...props} />
    </main>
  );
}

export function ErrorPage({ error }: ErrorComponentProps) {
  const router = useRouter();
  return (
    <div className="mx-auto max-w-lg py-16">
      <h1 className="sr-only">Error</h1>
      <Broken error={error} retry={() => void router.invalidate()} />
    </div>
  );
}
