/// For which team something is made: asked only of who is in several.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { adminQueries } from "@/api/admin";
import { SelectField } from "@/ui/field";

export interface TeamChoice {
  names: string[];
  team: string;
  /** As a part of a request: nothing where there is no choice. */
  chosen: { team?: string };
  choose: (team: string) => void;
}

export function useTeamChoice(): TeamChoice {
  const teams = useQuery(adminQueries.teams());
  const [wanted, setWanted] = useState("");
  const names = teams.data?.items.map((team) => team.name) ?? [];
  const team = wanted || (names[0] ?? "");
  return { names, team, chosen: team ? { team } : {}, choose: setWanted };
}

export function TeamField({ choice, error }: { choice: TeamChoice; error: string | undefined }) {
  if (choice.names.length < 2 && !error) return null;
  return (
    <SelectField label="Team" hint="Its members may use it" value={choice.team} error={error} onChange={(event) => choice.choose(event.target.value)}>
      {choice.names.map((name) => <option key={name}>{name}</option>)}
    </SelectField>
  );
}
