const WORDS = `
  a about above after again against all almost also although always am among an and another any are aren't as at
  back be became because become been before being below between both but by came can can't cannot could couldn't did
  didn't do does doesn't doing don't done down during each either else enough etc even ever every few first for from
  further get gets given go goes going got had hadn't has hasn't have haven't having he he's her here hers herself him
  himself his how however i i'm i've if in indeed instead into is isn't it it's its itself just kept last least less let
  like likely made make makes many may maybe me might more most much must my myself neither never new no nor not
  nothing now of off often on once one only onto or other others our ours ourselves out over own per perhaps put
  quite rather really said same say says see seem seemed seems several shall she should shouldn't since so some
  something sometimes soon still such take than that that's the their theirs them themselves then there these they
  they're this those though three through thus to together too took toward towards two under until up upon us use used
  uses using very was wasn't way we well went were weren't what when where whether which while who whole whom whose
  why will with within without won't would wouldn't yet you you're your yours yourself`;

/** English words that say nothing of what a text is about. */
export const STOP_WORDS: ReadonlySet<string> = new Set(WORDS.trim().split(/\s+/));
