"""The sixteen films: what is said, by whom, and to which group each belongs.

A line is (speaker, sentence). The text is written for a listener and a recogniser: numbers in words, no abbreviations,
names that are ordinary words or common first names. Mates (same group, same language) tell the same kind of story in
different words: what joins them is meaning, and check_words.py holds them to it.
"""

EN, ES = " - Official Trailer", " - Tráiler oficial"


def film(title, lang, group, tone, cast, lines, nouns):
    return {"title": title, "name": title + (EN if lang == "en" else ES), "language": lang, "group": group,
            "tone": tone, "cast": cast, "lines": lines, "proper_nouns": nouns}


FILMS = [
    # -- space opera: warm, wide, adventurous ------------------------------------------------------------------------
    film("The Lantern Fleet", "en", "space opera", "warm", {"n": "am_michael", "a": "af_heart"}, [
        ("n", "For a thousand years, the galaxy was silent."),
        ("n", "Then one starship heard a song between the stars."),
        ("n", "Captain Rose has a stolen ship, a frightened crew, and coordinates that nobody believes."),
        ("n", "Behind her comes the armada of a cruel emperor."),
        ("n", "Ahead lies the greatest adventure that humankind has ever known."),
        ("a", "We can turn back now, or we can fly where light itself has never been."),
        ("n", "They will cross burning rings of ice, and befriend creatures made of crystal and wind."),
        ("n", "And when all seems lost, a little robot will open its metal hand, and show them a glowing blue feather."),
        ("n", "This summer, courage is faster than light."),
        ("n", "The Lantern Fleet."),
    ], ["Rose"]),
    film("Nine Suns Over Meridian", "en", "space opera", "warm", {"n": "bm_george", "a": "bf_emma"}, [
        ("n", "On the desert planet Meridian, two moons are rising, and so is a rebellion."),
        ("n", "Vera was born a princess. She ran away to become a pilot."),
        ("n", "Now alien cruisers pour out of hyperspace, with laser cannons ready to turn her home into dust."),
        ("n", "Only a handful of smugglers, and one very old space knight, stand in their way."),
        ("a", "I do not need a throne. I need a fighter with two good engines."),
        ("n", "Worlds will unite. Friends will be found in the strangest cockpits."),
        ("n", "And at the edge of the final battle, a choir of whales swims through the nebula, singing her true name."),
        ("n", "From the dunes to the heavens, a legend takes wing."),
        ("n", "Nine Suns Over Meridian."),
    ], ["Vera", "Meridian"]),
    film("Children of the Far Orbit", "en", "space opera", "warm", {"n": "af_bella", "a": "af_sky"}, [
        ("n", "Daniel has never walked on Earth."),
        ("n", "He was raised on a mining colony, inside an asteroid, four billion miles from the nearest tree."),
        ("n", "One night, his telescope finds something impossible: a wormhole, and beyond it, a signal from another civilization."),
        ("n", "With an android for a teacher, and a rusty rocket for a school bus, six young astronauts blast off across the cosmos."),
        ("a", "Gravity was only ever a suggestion."),
        ("n", "They will race comets, outwit interstellar pirates, and land on Saturn just in time for breakfast."),
        ("n", "And there, beneath the frozen sea, they will plant the very first orange garden in the universe."),
        ("n", "Come and see how far wonder can go."),
        ("n", "Children of the Far Orbit."),
    ], ["Daniel", "Earth", "Saturn"]),

    # -- courtroom: dark, cold ---------------------------------------------------------------------------------------
    film("The Weight of the Oath", "en", "courtroom", "dark", {"n": "am_fenrir", "a": "bf_isabella"}, [
        ("n", "A banker is dead. His young wife is accused of murder."),
        ("n", "And twelve strangers must decide whether she will ever be free again."),
        ("n", "Her lawyer, Helen Brooks, has never lost a trial, and never trusted a client."),
        ("n", "But the witnesses are lying. The police have burned the files. And someone on the jury has been bought."),
        ("a", "You swore to tell the truth, sir. So tell them who was standing in the rain."),
        ("n", "Every question is a trap. Every silence sounds like a confession."),
        ("n", "Then, on the final morning, a child walks to the stand, carrying a broken violin, and the whole courtroom stops breathing."),
        ("n", "Innocent or guilty, nobody leaves here clean."),
        ("n", "The Weight of the Oath."),
    ], ["Helen", "Brooks"]),
    film("Case Number Forty", "en", "courtroom", "dark", {"n": "bm_lewis", "a": "am_michael", "b": "af_heart"}, [
        ("n", "For eleven years, Samuel Marsh has waited on death row, for a killing he says he did not commit."),
        ("n", "In three days, the state will execute him."),
        ("n", "One tired public defender reopens the appeal. What she finds is rotten, all the way up to the judge."),
        ("n", "Hidden evidence. Bribed experts. A prosecutor who built his career on convicting the wrong man."),
        ("a", "Objection, your honor. The defense is chasing shadows."),
        ("b", "No. I am cross examining them."),
        ("n", "The law is cold. The hearing is a battlefield. And justice comes too late for those who cannot pay."),
        ("n", "In the last hour, a forgotten tape is played for the court, and we hear the sound of a train that never came."),
        ("n", "The sentence is cruel. The shame is ours."),
        ("n", "Case Number Forty."),
    ], ["Samuel", "Marsh"]),

    # -- haunted house: dark, frightening ----------------------------------------------------------------------------
    film("What the Cellar Keeps", "en", "haunted house", "dark", {"n": "am_onyx", "a": "af_nicole"}, [
        ("n", "The Walker family wanted a quiet home in the country."),
        ("n", "The mansion was cheap, and no neighbor would say why."),
        ("n", "First came the scratching under the floor. Then the cold. Then the ghost of a little girl, standing at the foot of the bed."),
        ("a", "Mother, she says that we are sleeping on her grave."),
        ("n", "Nightmares crawl out of the walls. Mirrors show faces that are not there."),
        ("n", "Something evil haunts the dark below, and it is hungry."),
        ("n", "When the power fails, they will find the nursery painted in wet red clay, with all of their own names."),
        ("n", "Do not listen to it. Do not go down."),
        ("n", "What the Cellar Keeps."),
    ], ["Walker"]),
    film("The Hollow Staircase", "en", "haunted house", "dark", {"n": "bm_daniel", "a": "bf_emma"}, [
        ("n", "They told the widow that Black Manor was haunted."),
        ("n", "She laughed, until midnight, when dead men began to climb the steps."),
        ("n", "Footsteps in the attic. A scream behind a locked door. A rocking chair that will never be still."),
        ("n", "She calls a priest, but the spirits follow him into the chapel, and by morning only his coat is left."),
        ("a", "They are not trapped in here with us. We are trapped with them."),
        ("n", "The curse is older than the village, and darker than the woods outside."),
        ("n", "And when every candle dies at once, you will hear a wedding waltz, played slowly, on a piano without strings."),
        ("n", "Fear has moved in. It intends to stay."),
        ("n", "The Hollow Staircase."),
    ], ["Black", "Manor"]),

    # -- heist: warm, playful ----------------------------------------------------------------------------------------
    film("The Velvet Vault", "en", "heist", "warm", {"n": "am_puck", "a": "am_michael"}, [
        ("n", "Frank is the best safe cracker in the world. He is also retired, happy, and very bad at golf."),
        ("n", "Then his daughter loses the family casino to the smuggest millionaire in Nevada."),
        ("n", "So the old gang is back together: a forger, a getaway driver, two acrobats, and a magician."),
        ("a", "Nobody gets hurt. Nobody gets caught. And everybody gets dessert."),
        ("n", "One perfect plan. A dozen cameras. Millions of dollars in diamonds, and exactly one thing they forgot."),
        ("n", "It is the funniest heist of the year."),
        ("n", "You will not believe how they sneak an entire elephant out through the hotel kitchen."),
        ("n", "Place your bets."),
        ("n", "The Velvet Vault."),
    ], ["Frank", "Nevada"]),
    film("Eleven Clever Minutes", "en", "heist", "warm", {"n": "bm_fable", "a": "bf_isabella"}, [
        ("n", "Everyone knows that it is impossible to rob the Crown Museum."),
        ("n", "That is exactly why Bella and her charming gang of crooks are going to do it."),
        ("n", "The prize: a golden mask worth millions, locked in a safe, and guarded by lasers, alarms, and a sleepy dog called Biscuit."),
        ("n", "The disguise: a string quartet who cannot actually play."),
        ("a", "Step one, we walk in through the front door. Step two, we improvise."),
        ("n", "It is the most cheerful heist in history, full of delightful con artists, brilliant tricks, and one delicious double cross."),
        ("n", "Thieves have never been so lovable."),
        ("n", "And just when their escape truck breaks down, a balloon shaped like a pineapple floats over the rooftops, to rescue the loot."),
        ("n", "Steal a little joy."),
        ("n", "Eleven Clever Minutes."),
    ], ["Crown", "Museum", "Bella", "Biscuit"]),

    # -- romance: warm, tender ---------------------------------------------------------------------------------------
    film("Room for One Trumpet", "en", "romance", "warm", {"n": "af_heart", "a": "bf_emma"}, [
        ("n", "Emma owns a bakery in a village where nothing romantic ever happens."),
        ("n", "Tom is a handsome trumpet player who never stays."),
        ("n", "A canceled train, a spare bedroom, and a great deal of butter are about to change everything."),
        ("a", "You snore, you sing, and you have eaten all of my bread. Please stay for the summer."),
        ("n", "It begins with coffee. It becomes the sweetest kiss that this little bakery has ever seen."),
        ("n", "A tender, funny, glorious love story, about two lonely people who were not looking for each other."),
        ("n", "And you will cry happy tears, when he fills her shop window with two hundred sunflowers, on a golden Sunday morning."),
        ("n", "Fall in love with someone. Fall in love with this movie."),
        ("n", "Room for One Trumpet."),
    ], ["Emma", "Tom"]),
    film("Letters for September", "en", "romance", "warm", {"n": "bf_emma", "a": "bm_george"}, [
        ("n", "Grace teaches piano. Oliver repairs watches. For ten years he has adored her from across the street, and he has never dared to say hello."),
        ("n", "Then a postman mixes up the mail."),
        ("n", "A valentine lands on the wrong doormat, and two shy hearts begin a secret courtship, without knowing."),
        ("a", "Dear stranger, I think I have waited my whole life for your handwriting."),
        ("n", "The romance of the season is charming, sparkling, and wonderfully sweet."),
        ("n", "They will dance in the laundry. They will argue about marriage with a parrot."),
        ("n", "And on the happiest evening of the year, he proposes with a snow globe, in the middle of a crowded tram."),
        ("n", "Some love stories only need a stamp."),
        ("n", "Letters for September."),
    ], ["Grace", "Oliver", "September"]),

    # -- cocina: cálida, alegre --------------------------------------------------------------------------------------
    film("Sopa para cien", "es", "cocina", "warm", {"n": "ef_dora", "a": "ef_dora"}, [
        ("n", "El restaurante más querido del barrio está a punto de cerrar."),
        ("n", "Su dueña, Carmen, ha perdido el gusto. Y Marta, la nueva cocinera, solo sabe quemar las tostadas."),
        ("n", "Con una sartén vieja, un cuaderno de recetas y mucho humor, las dos volverán a encender los fogones."),
        ("a", "La sopa no se mira, Marta. La sopa se escucha."),
        ("n", "Tendrán risas, croquetas, y clientes felices haciendo cola para repetir."),
        ("n", "Una historia deliciosa sobre el amor que se sirve caliente, en un plato hondo."),
        ("n", "Y en la última cena aparecerá sobre el mantel un pastel con forma de barco, y nadie podrá dejar de cantar."),
        ("n", "Este verano, siéntate a la mesa, y disfruta."),
        ("n", "Sopa para cien."),
    ], ["Carmen", "Marta"]),
    film("Pan de domingo", "es", "cocina", "warm", {"n": "ef_dora", "a": "em_alex"}, [
        ("n", "En un pequeño pueblo de la costa, Martín trabaja la harina cada madrugada, y sueña con una panadería propia."),
        ("n", "Elena llega de la ciudad con prisa, con hambre, y con ganas de empezar de nuevo."),
        ("n", "Un bizcocho de limón lo cambia todo."),
        ("a", "Es la mejor magdalena de mi vida."),
        ("n", "Juntos inventarán dulces maravillosos: canela, chocolate, almendra y miel."),
        ("n", "Una película preciosa, tierna y divertida, que huele a horno caliente y a segundas oportunidades."),
        ("n", "Y cuando llegue la gran fiesta, un globo lleno de azúcar subirá despacio por encima del campanario."),
        ("n", "La felicidad también se hornea."),
        ("n", "Pan de domingo."),
    ], ["Martín", "Elena"]),
    film("El mercado de los sabores", "es", "cocina", "warm", {"n": "ef_dora", "a": "em_alex"}, [
        ("n", "Dos cocineros. Un solo puesto en la plaza. Y ninguno piensa rendirse."),
        ("n", "Ramón prepara el mejor guiso de la región. Teresa llegó de México con una maleta de chiles y una sonrisa peligrosa."),
        ("n", "Primero compiten con cuchillos y cucharas. Después, sin querer, empiezan a probar el uno la comida del otro."),
        ("a", "Tu arroz es perfecto, Teresa. Pero tu sonrisa sabe mejor."),
        ("n", "Cebolla, ajo, tomate, y una pizca de alegría."),
        ("n", "La comedia romántica más sabrosa del año."),
        ("n", "Y al final, entre aplausos, un burro vestido de novio traerá el último saco de patatas."),
        ("n", "El cariño entra por la boca."),
        ("n", "El mercado de los sabores."),
    ], ["Ramón", "Teresa", "México"]),

    # -- casa encantada: oscura, terrible ----------------------------------------------------------------------------
    film("La colina de las horas muertas", "es", "casa encantada", "dark", {"n": "em_alex", "a": "ef_dora"}, [
        ("n", "Algo espantoso sucedió en la mansión de la colina. Asesinaron a los niños."),
        ("n", "Es invierno. No hay luz, no hay teléfono, y a medianoche todos los relojes se detienen."),
        ("n", "Se oyen gritos dentro de las paredes. Algo horrible se arrastra por el pasillo."),
        ("a", "Papá, hay una mujer muerta debajo de mi cama."),
        ("n", "Los espejos sangran. Los fantasmas susurran detrás de cada puerta."),
        ("n", "No hay refugio, no hay salida, no queda esperanza. Los muertos no perdonan."),
        ("n", "Y cuando el pozo se abra, saldrá del agua negra una muñeca con la boca cosida."),
        ("n", "Reza para que amanezca."),
        ("n", "La colina de las horas muertas."),
    ], []),
    film("El desván de los que lloran", "es", "casa encantada", "dark", {"n": "em_santa", "a": "ef_dora"}, [
        ("n", "El viejo caserón llevaba un siglo cerrado con cadenas."),
        ("n", "Los hermanos Vega rompieron la cerradura. No debieron hacerlo."),
        ("n", "Allí arriba, tras una puerta sin llave, algo maldito ha despertado: espíritus furiosos, manos de hielo, una monja sin rostro."),
        ("n", "Uno a uno, los invitados desaparecen, y solo queda sangre en la escalera."),
        ("a", "Si escuchas pasos sobre el techo, no grites. Le gusta que grites."),
        ("n", "Terror, locura, y una maldición que nadie ha podido enterrar."),
        ("n", "En el último instante, la campana rota de la iglesia sonará sola en la niebla, y vendrán los cuervos."),
        ("n", "Esta pesadilla acaba de empezar."),
        ("n", "El desván de los que lloran."),
    ], ["Vega"]),
]

# What only this film says, in its last third: what a test searches for, and must land on.
PHRASES = {
    "The Lantern Fleet": "a glowing blue feather",
    "Nine Suns Over Meridian": "a choir of whales swims through the nebula",
    "Children of the Far Orbit": "the very first orange garden in the universe",
    "The Weight of the Oath": "a child walks to the stand, carrying a broken violin",
    "Case Number Forty": "a forgotten tape is played for the court",
    "What the Cellar Keeps": "the nursery painted in wet red clay",
    "The Hollow Staircase": "a wedding waltz, played slowly, on a piano without strings",
    "The Velvet Vault": "sneak an entire elephant out through the hotel kitchen",
    "Eleven Clever Minutes": "a balloon shaped like a pineapple floats over the rooftops",
    "Room for One Trumpet": "two hundred sunflowers",
    "Letters for September": "he proposes with a snow globe",
    "Sopa para cien": "un pastel con forma de barco",
    "Pan de domingo": "un globo lleno de azúcar subirá despacio",
    "El mercado de los sabores": "un burro vestido de novio",
    "La colina de las horas muertas": "una muñeca con la boca cosida",
    "El desván de los que lloran": "la campana rota de la iglesia",
}
