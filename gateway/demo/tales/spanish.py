"""Stories in Spanish."""

from __future__ import annotations

TALES = """
# pedido que no llega
> Hola, mi pedido {order} todavía no ha llegado
>> Pone «entregado» pero aquí no hay nada
< Hola {first}, lo siento mucho. Lo miro ahora mismo con la agencia de {town}.
> Gracias, es un regalo y lo necesito para el sábado
= Regalo, tiene que estar el sábado
< Lo dejaron en casa de un vecino, en el 3.º B. ¿Puede mirar si está ahí?
> ¡Sí! Lo tenía la vecina. Mil gracias {agent}
x

# taza rota
> Buenas, me ha llegado rota una de las tazas [photo]
< ¡Vaya! Le enviamos otra hoy mismo, {first}. No hace falta que devuelva la rota.
> Qué rapidez, así da gusto

# cambio de talla
> hola
>> me he equivocado de talla en el pedido {order}
>> quiero la 40, no la 42
< Cambiado, {first}. Recibirá la 40 el jueves.
> genial gracias
x

# factura
> ¿Me pueden mandar la factura del pedido {order}?
< Claro. ¿A nombre de quién la hago?
> A nombre de Talleres {first}, S. L.
< Hecho, ya está en su correo. Un saludo, {agent}
> Recibida, gracias

# horario
> ¿Abren mañana por la tarde?
< Sí, hasta las 20:30 en la tienda de {town}.
> Perfecto, paso a recogerlo

# no más mensajes
> No quiero más mensajes, por favor
< Entendido {first}. Si responde STOP, no le escribiremos más.
> STOP

# demora en buenos aires
> Hola, ¿tienen novedades del envío {order}? Hace una semana que espero
< Hola {first}, sale mañana de {town} y llega entre el lunes y el martes.
> Dale, gracias. ¿Me avisan cuando esté en camino?
< Sí, le escribimos por acá apenas salga.
"""
