/// Starts the page.
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { queryClient } from "./api/queries";
import { whenSessionEnds } from "./api/session";
import { router } from "./router";
import "./styles.css";

whenSessionEnds(() => {
  queryClient.clear();
  void router.navigate({ to: "/login", search: { next: router.state.location.href } });
});

const place = document.getElementById("root");
if (place) {
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
